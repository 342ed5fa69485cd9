// What `npm start` runs, in its parts, for those who run the service without npm between: node is the one that runs them.
import packageFile from "../../package.json" with { type: "json" };

const words = packageFile.scripts.start.split(" ");
const node = words.indexOf("node");

/** For the environment. */
export const startSettings: Readonly<Record<string, string>> = Object.fromEntries(
  words.slice(0, node).map((word) => word.split("=")),
);

/** The options of node, and the program. */
export const startArguments: readonly string[] = words.slice(node + 1);
