// An issuer of tokens that a test is: its keys, the server that publishes them, and every broken token that somebody might try.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, type JWTHeaderParameters, SignJWT } from "jose";

export const ISSUER = "https://login.example/realms/shop";
export const AUDIENCE = "payment-service";

export type Claims = Readonly<Record<string, unknown>>;

export interface Signing {
  readonly key: KeyObject | Uint8Array;
  readonly header: JWTHeaderParameters;
}

/** With room for a day, since some tests move their clocks. */
const LIFETIME_SECONDS = 86_400;

function newRsaPair() {
  return generateKeyPairSync("rsa", { modulusLength: 2_048 });
}

export class Issuer {
  readonly #server: Server;
  #pair = newRsaPair();
  #kid = "key-1";
  /** What the next requests for the keys are answered with. */
  status: number | "silent" = 200;
  /** Whether its keys say what they are for; some issuers' do not. */
  namesAlgorithm = true;
  /** How often the keys were asked for. */
  asked = 0;

  private constructor() {
    this.#server = createServer((_request, response) => {
      this.asked += 1;
      if (this.status === "silent") return;
      const name = this.namesAlgorithm ? { alg: "RS256" } : {};
      const key = { ...this.#pair.publicKey.export({ format: "jwk" }), kid: this.#kid, ...name, use: "sig" };
      response.writeHead(this.status, { "content-type": "application/json" });
      response.end(this.status === 200 ? JSON.stringify({ keys: [key] }) : "away");
    });
  }

  static async open(): Promise<Issuer> {
    const issuer = new Issuer();
    await new Promise<void>((listening) => issuer.#server.listen(0, "127.0.0.1", listening));
    return issuer;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/certs`;
  }

  get publicKey(): KeyObject {
    return this.#pair.publicKey;
  }

  /** Lets a test sign what no careful issuer would. */
  get privateKey(): KeyObject {
    return this.#pair.privateKey;
  }

  /** Signs with another key from now on. */
  rotate(): void {
    this.#pair = newRsaPair();
    this.#kid = `${this.#kid}+`;
  }

  /** A good token, but for what a test changes: a claim that is undefined is left out. */
  async sign(claims: Claims = {}, signing: Partial<Signing> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const all = { iss: ISSUER, aud: AUDIENCE, sub: "ada", iat: now, exp: now + LIFETIME_SECONDS, ...claims };
    const said = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const header = signing.header ?? { alg: "RS256", kid: this.#kid, typ: "JWT" };
    return new SignJWT(said).setProtectedHeader(header).sign(signing.key ?? this.#pair.privateKey);
  }
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

function withPayload(token: string, change: Claims): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims;
  return `${header}.${encode({ ...claims, ...change })}.${signature}`;
}

function withHeader(token: string, header: unknown, signature: string): string {
  return `${encode(header)}.${token.split(".")[1]}.${signature}`;
}

/** Every one says that it is an admin's. Each is an authorization header by what is wrong with it, and the problem that the refusal names. */
export async function breakTokens(
  issuer: Issuer,
): Promise<(readonly [name: string, header: string, problem: string])[]> {
  const admin: Claims = { realm_access: { roles: ["payment-admin"] } };
  const good = await issuer.sign(admin);
  const now = Math.floor(Date.now() / 1_000);
  const stranger = newRsaPair();
  const strangersJwk = await exportJWK(stranger.publicKey);
  const pem = issuer.publicKey.export({ type: "spki", format: "pem" });
  const der = issuer.publicKey.export({ type: "spki", format: "der" });
  const sign = (change: Claims, signing?: Partial<Signing>): Promise<string> =>
    issuer.sign({ ...admin, ...change }, signing);
  const tokens: (readonly [string, string | Promise<string>, string])[] = [
    ["expired", sign({ exp: now - 60 }), "expired"],
    ["without an end", sign({ exp: undefined }), "claims"],
    ["with an end that is text", sign({ exp: String(now + 60) as never }), "claims"],
    ["not yet valid", sign({ nbf: now + 60 }), "not_yet_valid"],
    ["of another issuer", sign({ iss: "https://login.example/realms/other" }), "issuer"],
    ["of an issuer whose name goes on", sign({ iss: `${ISSUER}/` }), "issuer"],
    ["of no issuer", sign({ iss: undefined }), "issuer"],
    ["for another audience", sign({ aud: "shop" }), "audience"],
    ["for other audiences", sign({ aud: ["shop", "payment-service2"] }), "audience"],
    ["for no audience", sign({ aud: undefined }), "audience"],
    ["for nobody", sign({ sub: undefined }), "claims"],
    ["for somebody whose name is no text", sign({ sub: { $ne: "" } }), "claims"],
    ["for somebody whose name holds a zero byte", sign({ sub: "a\u0000b" }), "claims"],
    ["that is an ID token", sign({ typ: "ID" }), "claims"],
    ["that is a refresh token", sign({ typ: "Refresh" }), "claims"],
    ["that is for another use", sign({}, { header: { alg: "RS256", kid: "key-1", typ: "logout+jwt" } }), "claims"],
    ["signed with another key", sign({}, { key: stranger.privateKey }), "signature"],
    [
      "signed with a key that nobody published",
      sign({}, { key: stranger.privateKey, header: { alg: "RS256", kid: "none" } }),
      "signature",
    ],
    [
      "that brings its own key",
      sign({}, { key: stranger.privateKey, header: { alg: "RS256", kid: "key-1", jwk: strangersJwk } }),
      "signature",
    ],
    [
      "HS256 with the public key as PEM",
      sign({}, { key: new TextEncoder().encode(String(pem)), header: { alg: "HS256", kid: "key-1" } }),
      "algorithm",
    ],
    ["HS256 with the public key as DER", sign({}, { key: der, header: { alg: "HS256", kid: "key-1" } }), "algorithm"],
    ["alg none", withHeader(good, { alg: "none" }, ""), "algorithm"],
    ["alg None", withHeader(good, { alg: "None", kid: "key-1" }, ""), "algorithm"],
    [
      "alg none with the signature of another",
      withHeader(good, { alg: "none" }, good.split(".")[2] ?? ""),
      "algorithm",
    ],
    ["without its signature", `${good.split(".").slice(0, 2).join(".")}.`, "signature"],
    ["with a wrong signature", `${good.slice(0, -8)}AAAAAAAA`, "signature"],
    ["of a customer who made themselves an admin", withPayload(await issuer.sign(), admin), "signature"],
    ["cut in the signature", good.slice(0, -20), "signature"],
    ["cut in the claims", good.slice(0, good.indexOf(".") + 40), "malformed"],
    ["cut in the header", good.slice(0, 20), "malformed"],
    ["with a part too many", `${good}.AAAA`, "malformed"],
    ["too long", `${good}${"A".repeat(9_000)}`, "malformed"],
  ];
  const headers = await Promise.all(
    tokens.map(async ([name, token, problem]) => [`a token ${name}`, `Bearer ${await token}`, problem] as const),
  );
  return [
    ...headers,
    ["a good token without Bearer", good, "malformed"],
    ["a good token as Basic", `Basic ${good}`, "malformed"],
    ["a name and a password", `Basic ${Buffer.from("admin:admin").toString("base64")}`, "malformed"],
    ["two tokens", `Bearer ${good}, Bearer ${good}`, "malformed"],
    ["an empty Bearer", "Bearer ", "malformed"],
    ["a word", "Bearer null", "malformed"],
  ];
}
