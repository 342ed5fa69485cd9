import { execFile } from "node:child_process";

/** A program to run, and as whom when not as ourselves. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly input?: string;
  readonly directory?: string;
}

export const systemDirectories: readonly string[] = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
];

/** What the programs that we start see: nothing of the service's own environment, which holds secrets. */
export const programEnvironment: Readonly<Record<string, string>> = {
  PATH: systemDirectories.join(":"),
  LC_ALL: "C",
  TZ: "UTC",
};

/** Runs a program to its end; throws with what it wrote to standard error when it fails or takes too long. */
export function runCommand(command: Command, options: RunOptions): Promise<void> {
  const { file, args, ...user } = command;
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      [...args],
      {
        ...user,
        // Not the service's own directory, which another user may be unable to enter.
        cwd: options.directory ?? "/",
        env: programEnvironment,
        timeout: options.timeoutMs,
        killSignal: "SIGKILL",
      },
      (error, _stdout, stderr) => {
        if (error === null) resolve();
        else reject(new Error(`${file} failed: ${stderr.trim() || error.message}`, { cause: error }));
      },
    );
    // A program that ends without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input);
  });
}
