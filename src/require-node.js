// Loaded before the service (node --import ./src/require-node.js src/main.ts). Plain JavaScript that an old Node can
// parse: it must be able to say that it is too old.
const needed = 24;

if (Number(process.versions.node.split(".")[0]) < needed) {
  process.stderr.write(
    `This is Node ${process.versions.node}, but Node ${needed} or newer is needed: on Linux (x64, arm64) npm ci brings it and npm start uses it, elsewhere install Node ${needed}.\n`,
  );
  process.exit(1);
}
