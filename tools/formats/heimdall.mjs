// Prints what Heimdall makes of an HDF file: its schema, and how many controls have which status.
import inspecjs from "inspecjs";
import { readFileSync } from "node:fs";

const converted = inspecjs.convertFile(readFileSync(process.argv[2], "utf8"), true);
const [schema] = Object.keys(converted);
const counts = {};
for (const profile of inspecjs.contextualizeEvaluation(converted[schema]).contains) {
  for (const control of profile.contains) counts[control.root.hdf.status] = (counts[control.root.hdf.status] || 0) + 1;
}
console.log(JSON.stringify({ schema, counts }));
