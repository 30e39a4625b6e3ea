// Checks a Grafana dashboard against the types of @grafana/schema with the TypeScript compiler: a member that the types
// do not know, a missing one, or a value of another kind is an error. Prints what is wrong, or how many panels there are.
//
//   node dashboard.mjs DASHBOARD.json      beside node_modules of package.json
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const json = readFileSync(process.argv[2], "utf8");
const dashboard = JSON.parse(json);
const panels = dashboard.panels;
const raw = "@grafana/schema/dist/esm/raw/composable";
const kinds = {
  stat: ["stat/panelcfg/x/StatPanelCfg_types.gen", "Plain<stat.Options>", "undefined"],
  timeseries: ["timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen", "Plain<timeseries.Options>",
    "Plain<timeseries.FieldConfig>"],
};
const source = [
  'import type { Dashboard } from "@grafana/schema";',
  ...Object.entries(kinds).map(([kind, [module]]) => `import type * as ${kind} from "${raw}/${module}";`),
  // JSON has an enum's values, not its members.
  "type Plain<T> = T extends string ? `${T}` : T extends (infer U)[] ? Plain<U>[]",
  "  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;",
  `export const dashboard: Plain<Dashboard> = ${json};`,
];
panels.forEach((panel, n) => {
  const kind = kinds[panel.type];
  if (!kind) throw new Error(`panel ${panel.title}: no types for ${panel.type}`);
  source.push(`export const options${n}: ${kind[1]} = ${JSON.stringify(panel.options)};`);
  source.push(`export const custom${n}: ${kind[2]} = ${JSON.stringify(panel.fieldConfig.defaults.custom)};`);
});

const here = dirname(fileURLToPath(import.meta.url));
const name = join(here, "dashboard_check.ts");
const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler, target: ts.ScriptTarget.ES2022 };
const host = ts.createCompilerHost(options);
const text = source.join("\n");
const read = host.getSourceFile.bind(host);
host.getSourceFile = (file, ...rest) => file === name ? ts.createSourceFile(file, text, rest[0]) : read(file, ...rest);
const exists = host.fileExists.bind(host);
host.fileExists = (file) => file === name || exists(file);
const found = ts.getPreEmitDiagnostics(ts.createProgram([name], options, host))
  .map((each) => ts.flattenDiagnosticMessageText(each.messageText, "\n"));

// What types do not say: each id once, and no panel over another.
const cells = new Set();
const ids = new Set();
for (const { id, title, gridPos } of panels) {
  if (ids.has(id)) found.push(`panel ${title}: its id is another's too`);
  ids.add(id);
  if (gridPos.x + gridPos.w > 24) found.push(`panel ${title}: wider than the page`);
  for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
    for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
      if (cells.has(`${x} ${y}`)) { found.push(`panel ${title}: lies over another`); x = y = 1000; }
      cells.add(`${x} ${y}`);
    }
  }
}
console.log(found.length ? found.join("\n") : `${panels.length} panels`);
process.exit(found.length ? 1 : 0);
