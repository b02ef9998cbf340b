"use strict";

// How long the page keeps a token, in milliseconds. The server asks for a new one
// minutes before the old one ends.
const keepFor = 60_000;
let kept = { token: "", until: 0 };

async function get(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function token() {
  if (Date.now() >= kept.until) {
    const { token } = await get("token", { method: "POST" });
    kept = { token, until: Date.now() + keepFor };
  }
  return kept.token;
}

// authorize gives requests to the API their token, and none to anybody else.
async function authorize(request) {
  if (!request.loadSpec && new URL(request.url, location.href).origin === location.origin) {
    request.headers.Authorization = `Bearer ${await token()}`;
  }
  return request;
}

async function show() {
  const versions = await get("versions.json");
  SwaggerUIBundle({
    dom_id: "#page",
    urls: versions.map((name) => ({ name, url: new URL(`openapi/arm/${name}/redhatopenshift.json`, location.href).href })),
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: "StandaloneLayout",
    deepLinking: true,
    displayOperationId: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    requestInterceptor: authorize,
    // What is shown as the request is what was asked for, without the token.
    showMutatedRequest: false,
  });
}

show().catch((error) => {
  const text = document.createElement("p");
  text.className = "failed";
  text.textContent = `The page cannot be shown: ${error.message}`;
  document.getElementById("page").replaceChildren(text);
  console.error(error);
});
