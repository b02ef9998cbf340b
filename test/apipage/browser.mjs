// What the checks of pages in a browser have in common.
import { readFile } from "node:fs/promises";
import { connect } from "node:tls";

const patience = 30_000;

// verify checks the server's certificate. Chromium has no option for an authority, so
// it has to accept what was found good here.
export async function verify(origin) {
  const { hostname, port } = new URL(origin);
  const ca = await readFile(process.env.ARO_LOCAL_CA);
  const socket = connect({ host: hostname, servername: hostname, port: port || 443, ca, timeout: patience });
  await new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
    socket.once("timeout", () => reject(new Error(`${origin} does not answer`)));
  });
  socket.destroy();
}

// watch collects what a browser's console and network panel would show in red.
export function watch(page) {
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // The request that keeps a page up to date ends when the page is left.
    if (why === "net::ERR_ABORTED" && request.headers().accept === "text/event-stream") return;
    problems.push(`${request.url()}: ${why}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.url()}: ${response.status()}`);
  });
  return problems;
}
