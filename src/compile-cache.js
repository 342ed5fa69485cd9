// Keeps what node compiled for the next start, which is then faster and smaller. Loaded before main.ts; where the folder cannot be written,
// node goes on without.
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/compile", import.meta.url)));
