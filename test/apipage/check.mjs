// The API page as people meet it: it loads cleanly, shows every api-version, and its
// "try it" gets an answer of the API.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { chromium } from "playwright";
import { verify, watch } from "./browser.mjs";

const origin = process.env.ARO_LOCAL_ORIGIN;
const address = `${origin}/local/api/`;
const subscription = "00000000-0000-0000-0000-0000000000a1";
const folder = new URL("../../openapi/arm/", import.meta.url);
const picture = new URL("../../docs/images/api.png", import.meta.url);
const patience = 30_000;

async function showsEveryVersion(page) {
  const described = await readdir(folder);
  assert.equal(described.length, 11, "api-versions in openapi/arm");
  const select = page.locator("#select");
  const listed = await select.locator("option").allTextContents();
  assert.deepEqual(listed.toSorted(), described.toSorted(), "versions that can be selected");
  const stable = described.filter((version) => !version.endsWith("-preview")).toSorted().reverse();
  assert.deepEqual(listed.slice(0, stable.length), stable, "stable versions come first, the newest at the top");
  assert.equal((await page.locator(".info .version").first().textContent()).trim(), stable[0], "version at the start");
  for (const version of listed.toReversed()) {
    await select.selectOption({ label: version });
    await page.locator(".info .version", { hasText: new RegExp(`^\\s*${version}\\s*$`) }).waitFor();
    const { paths } = JSON.parse(await readFile(new URL(`${version}/redhatopenshift.json`, folder)));
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods).map((o) => o.operationId));
    await page.locator(".opblock").nth(operations.length - 1).waitFor();
    assert.deepEqual((await page.locator(".opblock-summary-operation-id").allTextContents()).toSorted(), operations.toSorted(), `operations of ${version}`);
    await withoutErrors(page, version);
  }
}

// withoutErrors looks for Swagger UI's box of references that lead nowhere.
async function withoutErrors(page, where) {
  assert.deepEqual(await page.locator(".errors-wrapper").allTextContents(), [], `errors shown in ${where}`);
}

// expands opens every operation, which is when Swagger UI resolves its schemas.
async function expandsEveryOperation(page) {
  for (const block of await page.locator(".opblock").all()) {
    await block.locator(".opblock-summary-control").click();
    await block.locator(".responses-wrapper").waitFor();
    await block.locator(".opblock-summary-control").click();
  }
  await withoutErrors(page, "the operations");
}

async function triesList(page) {
  const block = page.locator(".opblock", { has: page.getByText("OpenShiftClusters_List", { exact: true }) });
  await block.locator(".opblock-summary-control").click();
  await block.getByRole("button", { name: "Try it out" }).click();
  const values = await block.locator(".parameters input").evaluateAll((inputs) => inputs.map((input) => input.value));
  assert.ok(values.includes(subscription), `the subscription is filled in: ${values}`);
  const answered = page.waitForResponse((response) => response.url().includes("/openShiftClusters?"));
  await block.getByRole("button", { name: "Execute" }).click();
  const answer = await answered;
  assert.equal(answer.status(), 200, await answer.text());
  assert.ok(Array.isArray((await answer.json()).value), "the answer is a list");
  const sent = (await answer.request().allHeaders()).authorization;
  assert.match(sent, /^Bearer ey/, "a token was sent");
  assert.match(await block.locator(".live-responses-table .response-col_status").nth(1).textContent(), /^200/);
  const shown = await page.content();
  assert.ok(!shown.includes(sent.slice("Bearer ".length)) && !/bearer ey/i.test(shown), "no token is shown");
}

// takePicture shows the top of the page with the answer below it.
async function takePicture(page) {
  await mkdir(new URL(".", picture), { recursive: true });
  for (const tag of await page.locator(".opblock-tag").all()) {
    if ((await tag.getAttribute("data-tag")) !== "OpenShiftClusters") await tag.click();
  }
  await page.evaluate(() => scrollTo(0, 0));
  await page.mouse.move(0, 0);
  await page.screenshot({ path: picture.pathname, animations: "disabled" });
}

await verify(origin);
const browser = await chromium.launch({ executablePath: process.env.ARO_CHROMIUM });
try {
  const page = await browser.newPage({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 1500 } });
  page.setDefaultTimeout(patience);
  const problems = watch(page);
  await page.goto(address);
  await page.locator(".opblock").first().waitFor();
  await showsEveryVersion(page);
  await expandsEveryOperation(page);
  await triesList(page);
  assert.deepEqual(problems, [], "what console and network complain about");
  if (process.argv.includes("--update")) {
    await takePicture(page);
  }
  console.log(`${address}: 11 versions, "try it" answers; ${browser.version()}`);
} finally {
  await browser.close();
}
