// Debian's Python with gRPC, and what makes its stubs: found, or installed where that is ours to do.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

export const PYTHON = process.env["PYTHON_BIN"] ?? "/usr/bin/python3";
const PACKAGES = [
  "python3",
  "python3-grpcio",
  "python3-protobuf",
  "protobuf-compiler",
  "libprotobuf-dev",
  "protobuf-compiler-grpc",
];

function isThere(): boolean {
  try {
    execFileSync(PYTHON, ["-c", "import grpc, google.protobuf"], { stdio: "ignore" });
    execFileSync("sh", ["-c", "command -v protoc && command -v grpc_python_plugin"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Throws a sentence that says how to get it. */
export function providePython(): void {
  if (isThere()) return;
  if (process.geteuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    execFileSync("apt-get", ["update", "-qq"], { env, stdio: "inherit" });
    execFileSync("apt-get", ["install", "-qq", "--yes", "--no-install-recommends", ...PACKAGES], {
      env,
      stdio: "ignore",
    });
    if (isThere()) return;
  }
  throw new Error(
    `Python's example needs gRPC for ${PYTHON} and protoc with its plugin: on Debian, apt-get install ${PACKAGES.join(" ")}; or name another Python in PYTHON_BIN.`,
  );
}
