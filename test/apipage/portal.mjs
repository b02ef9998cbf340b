// The portal as engineers meet it: they log in at the local Entra ID, find a cluster, read
// what happened to it, download and revoke a kubeconfig, and log out. Every page is checked
// by axe, in light and dark, wide and narrow.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { chromium } from "playwright";
import { verify, watch } from "./browser.mjs";

const azure = new URL(process.env.ARO_LOCAL_ORIGIN);
const origin = process.env.ARO_LOCAL_PORTAL ?? `https://localhost:${Number(azure.port) + 1}`;
const pictures = new URL("../../docs/images/", import.meta.url);
const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const patience = 30_000;

async function login(page, user) {
  await page.goto(`${origin}/clusters`);
  assert.equal(new URL(page.url()).origin, azure.origin, "people log in at Entra ID");
  await page.getByRole("button", { name: user }).click();
}

// accessible reports what axe finds wrong with a page. It runs outside the page's policy.
async function accessible(page, where) {
  const session = await page.context().newCDPSession(page);
  const { executionContextId } = await (async () => {
    const { frameTree } = await session.send("Page.getFrameTree");
    return session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  })();
  const run = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, contextId: executionContextId, awaitPromise: true, returnByValue: true });
    assert.ok(!exceptionDetails, exceptionDetails?.exception?.description);
    return result.value;
  };
  await run(`${axe}; undefined`);
  const violations = await run("axe.run(document).then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target).join(' '))))");
  assert.deepEqual(JSON.parse(violations), [], `what axe finds on ${where}`);
  await session.detach();
}

// fits checks that nothing makes the page wider than a phone.
async function fits(page, where) {
  const [width, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(width <= shown, `${where} is ${width} wide on a screen of ${shown}`);
}

async function everywhere(page, where, colorSchemes = ["light", "dark"]) {
  for (const colorScheme of colorSchemes) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `${where}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await light(page, where);
  await page.setViewportSize({ width: 375, height: 700 });
  await fits(page, where);
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function picture(page, name) {
  if (!process.argv.includes("--update")) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: new URL(name, pictures).pathname, animations: "disabled" });
}

async function looksAtACluster(page) {
  const name = page.locator("tbody th a").first();
  if ((await name.count()) === 0) return false;
  await page.keyboard.press("Tab"); // the first stop leads past the header
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.getByLabel("Filter").fill(await name.textContent());
  await page.getByRole("button", { name: "Filter" }).click();
  await page.locator("#ClusterCount", { hasText: "of 1 clusters" }).waitFor();
  await everywhere(page, "the clusters");
  await picture(page, "portal-clusters.png");
  await page.locator("tbody th a").first().click();
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
  assert.ok((await page.locator(".timeline li").count()) > 0, "something happened to the cluster");
  await everywhere(page, "a cluster");
  await picture(page, "portal-cluster.png");
  const slider = page.getByLabel("Go to an operation");
  if ((await slider.count()) > 0) {
    await slider.focus();
    await page.keyboard.press("Home");
    assert.equal(await page.locator("[data-entry]:visible").count(), 1, "the slider selects one operation");
    assert.equal(await slider.getAttribute("aria-valuetext"), await page.locator("[data-entry]:visible").getAttribute("data-entry"));
    await page.locator("[data-entry]:visible summary").click();
    await everywhere(page, "the history of a cluster");
  }
  await page.getByRole("link", { name: "Nodes, machines and operators" }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  await everywhere(page, "the objects of a cluster");
  await page.getByRole("link", { name: "Overview" }).click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download a kubeconfig" }).click();
  const file = await downloading;
  assert.match(file.suggestedFilename(), /\.kubeconfig$/);
  const text = await readFile(await file.path(), "utf8");
  assert.match(text, /server: https:\/\/.*\/kubeconfig\/proxy/);
  await page.reload();
  await page.getByRole("button", { name: /^Revoke/ }).first().click();
  await page.getByRole("heading", { name: "Kubeconfigs" }).waitFor();
  return true;
}

// actsOnACluster tries an action with a dry run, runs it, and reads what the admin API answers.
async function actsOnACluster(page, cluster) {
  await page.goto(`${origin}/clusters`);
  await page.getByRole("link", { name: cluster, exact: true }).click();
  await page.getByRole("link", { name: "Actions" }).click();
  await page.getByRole("link", { name: "Maintain a cluster" }).waitFor();
  await everywhere(page, "the actions on a cluster");
  await page.getByRole("link", { name: "Maintain a cluster" }).click();
  await page.getByLabel("maintenanceTask").selectOption("Pending");
  await page.getByRole("button", { name: "Dry run" }).click();
  await page.getByRole("heading", { name: "What would happen" }).waitFor();
  await page.getByText("Nothing has changed so far").waitFor();
  await everywhere(page, "a dry run");
  await picture(page, "portal-action.png");
  await page.getByRole("button", { name: "Run: Maintain a cluster" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Result" }).waitFor();
  await page.goto(new URL("..", page.url()).href.replace(/\/$/, ""));
  await page.getByText("Pending, ").or(page.getByText("Pending", { exact: true })).first().waitFor();
}

// findsIt searches the audit for what actsOnACluster did. Records appear after about a second.
async function findsIt(page, cluster) {
  await page.getByRole("navigation", { name: "Portal" }).getByRole("link", { name: "Audit" }).click();
  await page.getByLabel("Who").fill("admin@");
  await page.getByLabel("What").fill("Admin_UpdateCluster");
  await page.getByLabel("Cluster", { exact: true }).fill(cluster);
  await page.getByLabel("Changes only").check();
  const line = page.getByRole("row").filter({ hasText: "Admin_UpdateCluster" }).filter({ hasText: "Pending" }).first();
  for (const end = Date.now() + patience; ;) {
    await page.getByRole("button", { name: "Search" }).click();
    await page.locator("#AuditCount").waitFor();
    if ((await line.count()) > 0) break;
    assert.ok(Date.now() < end, "the audit lacks the action");
  }
  const text = await line.textContent();
  for (const part of ["admin@aroapp.test", "PATCH", "Succeeded"]) assert.ok(text.includes(part), `the record lacks ${part}: ${text}`);
  await everywhere(page, "the audit");
  await picture(page, "portal-audit.png");
  await line.getByRole("link").last().click(); // all records of the action, by its correlation id
  await page.waitForURL(/[?&]id=/);
  await page.getByRole("row").filter({ hasText: "Portal_RunAction" }).first().waitFor();
}

// clear empties the editor. Over a selection Chromium would insert text with an inline style, which the
// page's policy refuses.
async function clear(page) {
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
}

// queries asks the cluster's Prometheus, and completes a metric in the editor.
async function queries(page, cluster) {
  await page.goto(`${origin}/clusters`);
  await page.getByRole("link", { name: cluster, exact: true }).click();
  await page.getByRole("link", { name: "Metrics" }).click();
  const editor = page.getByRole("textbox", { name: "PromQL query" });
  await editor.click();
  await editor.pressSequentially("sum by (verb) (apiserver_request_tot");
  await page.getByRole("option", { name: /apiserver_request_total/ }).first().waitFor(); // Prometheus has begun, and knows it
  await clear(page);
  await page.keyboard.insertText("sum by (verb) (apiserver_request_total)");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  const value = page.getByRole("row").filter({ hasText: '{verb="GET"}' }).first();
  await value.waitFor();
  assert.ok(Number(await value.locator("td").last().textContent()) > 0, "the API server was asked");
  await page.getByRole("img", { name: /^Graph of \d+ series/ }).waitFor();
  assert.ok((await page.locator(".graph path").count()) > 0, "the graph has lines");
  await everywhere(page, "the metrics of a cluster");
  if (process.argv.includes("--update")) { // a line needs several scrapes
    await page.getByLabel("Range").selectOption("5m");
    for (let lines = ""; lines.split("L").length < 5; await page.waitForTimeout(5000)) {
      await page.getByRole("button", { name: "Run" }).click();
      lines = await page.locator(".graph path").first().getAttribute("d");
    }
  }
  await picture(page, "portal-metrics.png");
  await page.getByText("Recent queries").click();
  await page.getByRole("link", { name: "sum by (verb) (apiserver_request_total)" }).waitFor();
  await editor.click();
  await clear(page);
  await page.keyboard.insertText("sum(");
  await page.locator(".cm-lintRange-error").first().waitFor();
  await page.goto(`${page.url().split("?")[0]}?query=sum(`);
  await page.getByText("The query is wrong").waitFor();
  await everywhere(page, "a query that is wrong");
}

// light checks that no page waits for a script of more than 150 KB.
async function light(page, where) {
  const blocking = await page.evaluate(() => [...document.scripts].filter((s) => !s.defer && !s.async && s.type !== "module").map((s) => s.src || "inline"));
  assert.deepEqual(blocking, [], `scripts that ${where} waits for`);
}

await verify(azure.origin);
await verify(origin);
const browser = await chromium.launch({ executablePath: process.env.ARO_CHROMIUM });
try {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const problems = watch(page);
  const foreign = [];
  page.on("request", (request) => {
    if (![azure.origin, origin].includes(new URL(request.url()).origin)) foreign.push(request.url());
  });
  await login(page, "sre@aroapp.test");
  await page.getByRole("heading", { name: "Clusters" }).waitFor();
  const found = await looksAtACluster(page);
  await page.getByRole("link", { name: "Fleet" }).click();
  await page.getByRole("heading", { name: "Operations, the longest in one step first" }).waitFor();
  await everywhere(page, "the fleet");
  await picture(page, "portal-fleet.png");
  await page.getByRole("navigation", { name: "Portal" }).getByRole("link", { name: "Clusters" }).click();
  await page.locator("#ClusterCount").waitFor();
  await everywhere(page, "all clusters");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Logged out" }).waitFor();
  await everywhere(page, "the page after the session");
  // A download is a request that no page shows.
  assert.deepEqual(problems.filter((problem) => !problem.endsWith("/kubeconfig/new: net::ERR_ABORTED")), [], "what console and network complain about");
  assert.deepEqual(foreign, [], "what was asked of others");

  const admin = await (await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } })).newPage();
  admin.setDefaultTimeout(patience);
  const complaints = watch(admin);
  await login(admin, "admin@aroapp.test");
  await admin.getByRole("heading", { name: "Clusters" }).waitFor();
  const cluster = admin.locator("tbody th a").first();
  if ((await cluster.count()) > 0) {
    const name = await cluster.textContent();
    await actsOnACluster(admin, name);
    await findsIt(admin, name);
    await queries(admin, name);
  }
  assert.deepEqual(complaints, [], "what console and network complain about");

  const guest = await context.newPage();
  await login(guest, "guest@aroapp.test");
  await guest.getByText("in none of the groups").waitFor();
  await everywhere(guest, "a refusal");
  console.log(`${origin}: ${found ? "a cluster was read" : "there was no cluster to read"}, axe finds nothing; ${browser.version()}`);
} finally {
  await browser.close();
}
