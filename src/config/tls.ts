// The key and the certificate of both ports.
import { ConfigError, type Reader } from "./reader.ts";

export interface TlsFiles {
  readonly key: Buffer;
  readonly cert: Buffer;
}

export function readTls(read: Reader): TlsFiles | null {
  const key = read.file("TLS_KEY_FILE");
  const cert = read.file("TLS_CERT_FILE");
  if (key && cert) return { key, cert };
  if (key || cert) throw new ConfigError("TLS_KEY_FILE and TLS_CERT_FILE go together; set both, or neither.");
  return null;
}
