// Webhooks that Stripe did not sign, or not so: genuine ones whose body or signature was changed, in every way that somebody without the secret could think
// of, and some that would need it. None of them may be accepted.
import { createHash, createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { stripeSignature } from "../support/stripe-signature.ts";
import type { Random } from "../torture/frame/random.ts";

export interface Webhook {
  readonly body: Buffer;
  /** Values of the header `stripe-signature`: none, one or several. */
  readonly signatures: readonly string[];
}

/** What a forger has seen, and what the tests know besides. */
export interface Genuine {
  readonly bodies: readonly string[];
  readonly secret: string;
}

export interface Forger {
  readonly genuine: Genuine;
  readonly random: Random;
  readonly now: Date;
}

type Forge = (forger: Forger) => Webhook;

/** Signatures may be so old, or lie so far ahead, in seconds; what is ahead must still be so at the end of the run. */
const STALE_SECONDS = 301;
const AHEAD_SECONDS = 400;
const FAR_SECONDS = 100_000_000;
const PRINTABLE = /^[\x20-\x7e]*$/;

function secondsOf(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}

function pickBody({ genuine, random }: Forger): Buffer {
  return Buffer.from(random.pick(genuine.bodies));
}

function goodSignature({ genuine, now }: Forger, body: Uint8Array): string {
  return stripeSignature(body, genuine.secret, now);
}

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

function hmac(key: string | Buffer, parts: readonly (string | Buffer)[], algorithm = "sha256"): string {
  const digest = createHmac(algorithm, key);
  for (const part of parts) digest.update(part);
  return digest.digest("hex");
}

function flipBit(bytes: Buffer, random: Random): Buffer {
  const flipped = Buffer.from(bytes);
  const place = random.below(flipped.length);
  flipped[place] = (flipped[place] ?? 0) ^ (1 << random.below(8));
  return flipped;
}

/** Another body under a signature that was good for the genuine one. */
function changedBody(change: (body: Buffer, forger: Forger) => Buffer): Forge {
  return (forger) => {
    const body = pickBody(forger);
    const changed = change(body, forger);
    // A change that left everything as it was would be genuine.
    const forged = changed.equals(body) ? Buffer.concat([body, Buffer.from(" ")]) : changed;
    return { body: forged, signatures: [goodSignature(forger, body)] };
  };
}

/** The genuine body under a signature that is no good. */
function badSignature(sign: (body: Buffer, forger: Forger) => string | readonly string[]): Forge {
  return (forger) => {
    const body = pickBody(forger);
    return { body, signatures: [sign(body, forger)].flat() };
  };
}

/** The genuine body under what became of a good signature. */
function changedSignature(change: (good: string, forger: Forger) => string): Forge {
  return badSignature((body, forger) => change(goodSignature(forger, body), forger));
}

function at(seconds: (random: Random) => number): Forge {
  return badSignature((body, { genuine, random, now }) =>
    stripeSignature(body, genuine.secret, new Date((secondsOf(now) + seconds(random)) * 1000)),
  );
}

/** A header that the test can send, with one bit of it flipped. */
function flipHeader(good: string, { random }: Forger): string {
  for (;;) {
    const flipped = flipBit(Buffer.from(good), random).toString("latin1");
    // Space around a value is no part of it.
    if (PRINTABLE.test(flipped) && flipped.trim() === flipped) return flipped;
  }
}

function splice(body: Buffer, random: Random, insert: Buffer, drop: number): Buffer {
  const place = random.below(body.length);
  return Buffer.concat([body.subarray(0, place), insert, body.subarray(place + drop)]);
}

function mapText(body: Buffer, change: (text: string) => string): Buffer {
  return Buffer.from(change(body.toString()));
}

export const FORGERIES: Readonly<Record<string, Forge>> = {
  "a bit of the body": changedBody((body, { random }) => flipBit(body, random)),
  "the end of the body cut off": changedBody((body, { random }) => body.subarray(0, random.below(body.length))),
  "the beginning of the body cut off": changedBody((body, { random }) => body.subarray(1 + random.below(body.length))),
  "a byte left out": changedBody((body, { random }) => splice(body, random, Buffer.alloc(0), 1)),
  "bytes put in": changedBody((body, { random }) => splice(body, random, randomBytes(random, 1 + random.below(64)), 0)),
  "bytes put in place of others": changedBody((body, { random }) => {
    const bytes = randomBytes(random, 1 + random.below(64));
    return splice(body, random, bytes, bytes.length);
  }),
  "another event's body": changedBody((body, { genuine, random }) => {
    const others = genuine.bodies.filter((each) => each !== body.toString());
    return Buffer.from(random.pick(others));
  }),
  "another amount": changedBody((body, { random }) =>
    mapText(body, (text) => text.replaceAll(/"(amount\w*)":\s*\d+/g, `"$1": ${1 + random.below(10_000)}`)),
  ),
  "another event id": changedBody((body, { random }) =>
    mapText(body, (text) => text.replace(/"id":\s*"evt_\w+"/, `"id":"evt_${random.below(2 ** 31)}"`)),
  ),
  "another payment": changedBody((body) => mapText(body, (text) => text.replaceAll(/pi_\w+/g, "pi_somebody_elses"))),
  "the same JSON in other words": changedBody((body) =>
    Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 1)),
  ),
  "white space after it": changedBody((body, { random }) =>
    Buffer.concat([body, Buffer.from(random.pick([" ", "\n", "\r\n", "\t"]))]),
  ),
  "a byte order mark": changedBody((body) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body])),
  "UTF-16": changedBody((body) => Buffer.from(body.toString(), "utf16le")),
  gzip: changedBody((body) => gzipSync(body)),
  "the body twice": changedBody((body) => Buffer.concat([body, body])),
  "no body": changedBody(() => Buffer.alloc(0)),
  "unicode that looks alike": changedBody((body) => mapText(body, (text) => text.replaceAll("e", "\u0435"))),
  "random bytes": changedBody((_, { random }) => randomBytes(random, random.below(4096))),

  "no header": badSignature(() => []),
  "an empty header": badSignature(() => ""),
  "a bit of the header": changedSignature(flipHeader),
  "the end of the header cut off": changedSignature((good, { random }) => good.slice(0, random.below(good.length))),
  "one hex digit more": changedSignature((good, { random }) => good + random.below(16).toString(16)),
  "capital hex digits": changedSignature((good) =>
    good.replace(/v1=.*/, (part) => `v1=${part.slice(3).toUpperCase()}X`),
  ),
  "version 0 alone": changedSignature((good) => good.replace("v1=", "v0=")),
  "an unknown version": changedSignature((good, { random }) =>
    good.replace("v1=", random.pick(["V1=", "v2=", "v01=", "v1 =", "v11=", "="])),
  ),
  "no time": changedSignature((good) => good.replace(/^t=\d+,/, "")),
  "an empty time": changedSignature((good) => good.replace(/^t=\d+/, "t=")),
  "an empty signature": changedSignature((good) => good.replace(/v1=.*/, "v1=")),
  "another time": changedSignature((good, { random }) =>
    good.replace(/^t=(\d+)/, (_, time) => `t=${Number(time) + random.pick([-1, 1]) * (1 + random.below(290))}`),
  ),
  "two times, the first a wrong one": changedSignature((good, { now }) => `t=${secondsOf(now) + 1},${good}`),
  "a time in other digits": changedSignature((good, { random }) => {
    const odd = random.pick([
      (time: string) => `+${time}`,
      (time: string) => `${time}.0`,
      (time: string) => `0x${time}`,
      (time: string) => `-${time}`,
    ]);
    return good.replace(/^t=(\d+)/, (_, time: string) => `t=${odd(time)}`);
  }),
  "an absurd time": changedSignature((good, { random }) =>
    good.replace(/^t=\d+/, `t=${random.pick(["NaN", "Infinity", "9".repeat(400), "1e999", "null", "-1", "0"])}`),
  ),
  "too many signatures, one of them good": changedSignature((good) => {
    const [time = "", signature = ""] = good.split(",");
    return [
      time,
      ...Array.from({ length: 40 }, (_, index) => `v1=${String(index).padStart(64, "0")}`),
      signature,
    ].join();
  }),
  "separators that are none": changedSignature((good, { random }) =>
    good.replace(",", random.pick([";", " ", "&", ", ;", "%2C"])),
  ),
  "the words of JavaScript": changedSignature((_, { random }) =>
    random.pick([
      "__proto__",
      "constructor",
      "t=__proto__,v1=toString",
      "[object Object]",
      "undefined",
      "null",
      "{}",
      "t=1,v1=true",
    ]),
  ),
  "unicode in the header": changedSignature((good) => Buffer.from(good.replace("v1", "\u{1d567}1")).toString("latin1")),
  "a header of random letters": badSignature((_, { random }) =>
    randomBytes(random, random.below(512)).toString("base64"),
  ),
  "a long header": badSignature((_, { random }) => `t=${random.below(2 ** 31)},v1=${"a".repeat(8_000)}`),
  "several headers": badSignature((body, { random, now }) =>
    Array.from({ length: 2 + random.below(4) }, (_, index) => stripeSignature(body, `whsec_${index}`, now)),
  ),
  "another secret": badSignature((body, { random, now }) =>
    stripeSignature(body, `whsec_${random.below(2 ** 31)}`, now),
  ),
  "an empty secret": badSignature((body, { now }) => stripeSignature(body, "", now)),
  "the secret without its prefix": badSignature((body, { genuine, now }) =>
    stripeSignature(body, genuine.secret.slice(6), now),
  ),
  "the secret decoded": badSignature((body, { genuine, now }) => {
    const time = secondsOf(now);
    return `t=${time},v1=${hmac(Buffer.from(genuine.secret.slice(6), "base64"), [`${time}.`, body])}`;
  }),
  "a signature of the body alone": badSignature(
    (body, { genuine, now }) => `t=${secondsOf(now)},v1=${hmac(genuine.secret, [body])}`,
  ),
  "a signature without the dot": badSignature((body, { genuine, now }) => {
    const time = secondsOf(now);
    return `t=${time},v1=${hmac(genuine.secret, [String(time), body])}`;
  }),
  "SHA-1": badSignature((body, { genuine, now }) => {
    const time = secondsOf(now);
    return `t=${time},v1=${hmac(genuine.secret, [`${time}.`, body], "sha1")}`;
  }),
  "a digest without a key": badSignature((body, { now }) => {
    const time = secondsOf(now);
    return `t=${time},v1=${createHash("sha256").update(`${time}.`).update(body).digest("hex")}`;
  }),
  "a signature in base64": changedSignature((good) =>
    good.replace(/v1=(.*)/, (_, hex: string) => `v1=${Buffer.from(hex, "hex").toString("base64")}`),
  ),
  "a signature of another body": badSignature((body, forger) =>
    goodSignature(forger, Buffer.concat([body, Buffer.from(String(forger.random.below(100)))])),
  ),
  "a stale signature": at((random) => -STALE_SECONDS - random.below(FAR_SECONDS)),
  "a signature of the future": at((random) => AHEAD_SECONDS + random.below(FAR_SECONDS)),
};
