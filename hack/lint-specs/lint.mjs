// Runs the two npm linters over the specs and prints one finding per line as JSON:
// {check, rule, spec, where, text}. Deciding which findings are accepted is left
// to the caller. Arguments: the specs; those below "arm" are held to ARM's rules.
//
// oav checks a spec and its examples. The ARM rule set is called directly, as
// autorest would call it, because starting autorest for each spec takes longer
// than all the rules together and needs the network.
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const oavRequire = createRequire(require.resolve("oav"));

answerFromPackages();
const { validateExamples, SemanticValidator } = require("oav");
const plugin = (name) => require(`@microsoft.azure/openapi-validator/dist/${name}-plugin-func.js`);
const { openapiValidatorPluginFunc } = plugin("openapi-validator");
const { spectralPluginFunc } = plugin("spectral");

// oav looks up the schemas of Swagger and its extensions at their public address.
// They are also in a package that it depends on: answer from there, so that the
// result depends on nothing but the lock file.
function answerFromPackages() {
  const published = /^https:\/\/raw\.githubusercontent\.com\/Azure\/autorest\//;
  const tools = createRequire(oavRequire.resolve("@azure-tools/openapi-tools-common"));
  tools("node-fetch").default = async (url) => {
    if (!published.test(url)) throw new Error(`the linters must not need the network: ${url}`);
    const file = oavRequire.resolve(`@autorest/schemas/${basename(url)}`);
    return { status: 200, text: () => readFile(file, "utf8") };
  };
}

function report(spec, check, rule, where, text) {
  const line = JSON.stringify({ check, rule, spec, where, text: String(text).split("\n")[0] });
  process.stdout.write(line + "\n");
}

async function checkSpec(spec) {
  const validator = new SemanticValidator(spec, null);
  await validator.initialize();
  const { errors = [], warnings = [] } = await validator.validateSpec();
  for (const e of [...errors, ...warnings]) {
    report(spec, "oav spec", e.code, e.schemaJsonPath ?? e.jsonPath ?? "", e.message);
  }
}

async function checkExamples(spec) {
  for (const e of await validateExamples(spec, undefined, { consoleLogLevel: "off", pretty: false })) {
    const where = `${e.operationId ?? ""} ${e.exampleJsonPath ?? ""}`.trim();
    report(spec, "oav example", e.code, where, e.inner?.message ?? e.message);
  }
}

async function checkRules(spec) {
  const document = JSON.parse(await readFile(spec, "utf8"));
  const host = {
    ListInputs: async () => [pathToFileURL(spec).href],
    GetValue: async (key) => (key === "openapi-type" ? "arm" : undefined),
    ReadFile: (url) => readFile(fileURLToPath(url), "utf8"),
    Message: (m) => {
      if (m.Channel === "information") return;
      if (!m.Key) throw new Error(m.Text); // the rule set itself failed
      report(spec, "ARM rules", m.Key[0], place(document, m.Source[0].Position.path), m.Text);
    },
  };
  await openapiValidatorPluginFunc(host);
  await spectralPluginFunc(host);
}

// place writes a JSON path with the operation id instead of path and method.
function place(document, path) {
  const steps = path[0] === "$" ? path.slice(1) : path;
  const operation = steps[0] === "paths" && document.paths[steps[1]]?.[steps[2]];
  return (operation?.operationId ? [operation.operationId, ...steps.slice(3)] : steps).join(".");
}

console.log = console.info = console.warn = () => {}; // the linters are chatty
for (const spec of process.argv.slice(2)) {
  await checkSpec(spec);
  await checkExamples(spec);
  if (basename(dirname(dirname(spec))) === "arm") await checkRules(spec);
}
