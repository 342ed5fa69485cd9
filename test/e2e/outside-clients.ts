// Clients that know nothing of this repository: buf curl, which learns the service by reflection, and plain HTTP with JSON.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { create, type DescMethodUnary, fromBinary, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { type CallError, type Client, DETAILS, type Outcome, type Ports } from "../support/clients.ts";

const BUF = join(import.meta.dirname, "../../node_modules/.bin/buf");
const JSON_TYPE = { "content-type": "application/json" };

interface ConnectErrorBody {
  readonly code: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

/** The body of an error as Connect defines it; buf curl prints it whatever the protocol. */
export function readErrorBody(text: string): CallError {
  const { code, message = "", details = [] } = JSON.parse(text) as ConnectErrorBody;
  return {
    code,
    message,
    details: details.map(({ type, value }) => {
      const desc = DETAILS.find((each) => each.typeName === type);
      if (!desc) throw new Error(`a detail of the unknown type ${type}`);
      return [desc.name, toJson(desc, fromBinary(desc, Buffer.from(value, "base64")))];
    }),
  };
}

/** JSON as the other clients' answers have it: defaults left out, in the order of the fields. */
function readAnswer(method: DescMethodUnary, text: string): Outcome {
  return { answer: toJson(method.output, fromJson(method.output, JSON.parse(text) as JsonValue)) };
}

function pathOf(method: DescMethodUnary): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function bufCurl(name: string, args: readonly string[], baseUrl: string): Client {
  return {
    name,
    call(method, request) {
      const data = JSON.stringify(toJson(method.input, create(method.input, request)));
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      execFile(BUF, ["curl", ...args, "-d", data, baseUrl + pathOf(method)], (error, stdout, stderr) =>
        resolve(error ? { error: readErrorBody(stderr) } : readAnswer(method, stdout)),
      );
      return promise;
    },
  };
}

/** POST for what changes something, GET for what does not. */
function plainHttp(baseUrl: string): Client {
  return {
    name: "plain HTTP",
    async call(method, request) {
      const message = JSON.stringify(toJson(method.input, create(method.input, request)));
      const url = baseUrl + pathOf(method);
      const query = new URLSearchParams({ encoding: "json", message });
      const response =
        method.idempotency === Level.NO_SIDE_EFFECTS
          ? await fetch(`${url}?${query.toString()}`)
          : await fetch(url, { method: "POST", headers: JSON_TYPE, body: message });
      const text = await response.text();
      return response.ok ? readAnswer(method, text) : { error: readErrorBody(text) };
    },
  };
}

export function createOutsideClients({ grpc, http }: Ports): Client[] {
  const baseUrl = `http://localhost:${http.port}`;
  return [
    bufCurl("buf curl gRPC, the gRPC port", ["--protocol", "grpc"], `http://localhost:${grpc.port}`),
    bufCurl("buf curl Connect, the HTTP port", ["--protocol", "connect"], baseUrl),
    plainHttp(baseUrl),
  ];
}
