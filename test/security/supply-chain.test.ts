// The threat "supply chain": a dependency that is not what was looked at, or of which nobody knows why it is there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const ROOT = join(import.meta.dirname, "../..");
/** More than there are; a jump beyond it is looked at by a person, who raises it. */
const PACKAGES_MAX = 700;
const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly hasInstallScript?: boolean;
}

interface PackageFile {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

function read(name: string): string {
  return readFileSync(join(ROOT, name), "utf8");
}

const packageFile = JSON.parse(read("package.json")) as PackageFile;
const lockText = read("package-lock.json");
const lock = JSON.parse(lockText) as {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, Locked>>;
};
const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
const wanted = { ...packageFile.dependencies, ...packageFile.devDependencies, ...packageFile.optionalDependencies };

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}

/** Of another operating system, processor or C library than those that are named here, and so never installed by us. */
function isOfAnotherMachine({ optional, os = ["linux"], cpu = ["x64"], libc = ["glibc"] }: Locked): boolean {
  const fits = os.includes("linux") && (cpu.includes("x64") || cpu.includes("arm64")) && libc.includes("glibc");
  return optional === true && !fits;
}

describe("supply chain:", () => {
  it("every version is exact, and the lockfile has it", () => {
    for (const [name, version] of Object.entries(wanted)) {
      assert.match(version, EXACT, name);
      assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name);
    }
    for (const [path, { version }] of packages) assert.match(version ?? "", EXACT, path);
  });

  it("the lockfile names no address, so that a package comes from where the installer looks and from nowhere else", () => {
    assert.ok(lock.lockfileVersion >= 3);
    assert.deepEqual(
      packages.filter(([, { resolved, link }]) => resolved !== undefined || link !== undefined).map(([path]) => path),
      [],
    );
    assert.doesNotMatch(lockText, /https?:\/\/[^"]*\.tgz|git\+|ssh:|file:/);
  });

  it("every package that can be installed here has its digest", () => {
    const without = packages.filter(
      ([, locked]) => !SHA512.test(locked.integrity ?? "") && !isOfAnotherMachine(locked),
    );
    assert.deepEqual(
      without.map(([path]) => path),
      [],
    );
  });

  it("no package runs a script when it is installed that was not allowed by name", () => {
    const runs = packages
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .filter(([, locked]) => !isOfAnotherMachine(locked));
    for (const [path] of runs) assert.equal(typeof packageFile.allowScripts[nameOf(path)], "boolean", path);
    for (const name of Object.keys(packageFile.scripts)) assert.doesNotMatch(name, /^(pre|post)?install$|^prepare$/);
  });

  it("every dependency has its reason in the README, and every reason its dependency", () => {
    const [, section = ""] = /\n## Dependencies\n([\s\S]*?)\n## /.exec(read("README.md")) ?? [];
    const table = section.split("\n").filter((line) => line.startsWith("|"));
    const named = new Set(
      table.flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? "")),
    );
    assert.ok(named.size > 20, `${named.size} are named`);
    const isNamed = (name: string): boolean => named.has(name) || named.has(name.replace(/\/.*/, "/*"));
    assert.deepEqual(
      Object.keys(wanted).filter((name) => !isNamed(name)),
      [],
    );
    const isWanted = (name: string): boolean =>
      name.endsWith("/*") ? Object.keys(wanted).some((each) => each.startsWith(name.slice(0, -1))) : name in wanted;
    assert.deepEqual(
      [...named].filter((name) => !isWanted(name)),
      [],
    );
    for (const line of table.slice(2)) assert.ok((line.split("|")[2] ?? "").trim().length > 3, line);
  });

  it("they are few", () => {
    assert.ok(packages.length <= PACKAGES_MAX, `${packages.length} packages`);
    assert.ok(Object.keys(packageFile.dependencies).length <= 35);
  });
});
