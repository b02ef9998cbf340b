// Bundles the editor, and writes the licences of what is in it beside it.
import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const assets = new URL("../../portal/assets/", import.meta.url).pathname;
const made = createHash("sha256");
for (const source of ["build.mjs", "console.mjs", "package-lock.json"]) made.update(await readFile(source)); // portal/console checks that it is current
const { metafile } = await build({ entryPoints: ["console.mjs"], bundle: true, minify: true, format: "esm", target: "es2022", legalComments: "none", banner: { js: `// Made by hack/console of sources with the sum ${made.digest("hex")}.` }, outfile: `${assets}console.js`, metafile: true });
const packages = new Set(Object.keys(metafile.inputs).flatMap((file) => file.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? []));
const texts = await Promise.all([...packages].sort().map(async (name) => {
  const dir = `node_modules/${name}`;
  const { version, license } = JSON.parse(await readFile(`${dir}/package.json`, "utf8"));
  const file = (await readdir(dir)).find((f) => /^licen[cs]e/i.test(f));
  return `${name} ${version} (${license})\n\n${file ? (await readFile(`${dir}/${file}`, "utf8")).trim() : "Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0"}\n`;
}));
await writeFile(`${assets}console-licences.txt`, `Licences of what is in console.js.\n\n${texts.join("\n----\n\n")}`);
