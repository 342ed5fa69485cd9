// gRPC calls written by hand: for what no client sends, and for what the clients do not show.
import { connect } from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";

/** A message as gRPC frames it. */
export function frame(message: Uint8Array, flags = 0): Buffer<ArrayBuffer> {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** One gRPC call, written by hand. */
export async function callByHand(port: number, path: string, body: Buffer, headers: Record<string, string> = {}) {
  const session = connect(`http://localhost:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const trailers: Record<string, string> = {};
  stream.on("response", (received) => Object.assign(trailers, received));
  stream.on("trailers", (received) => Object.assign(trailers, received));
  stream.on("error", () => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once("close", resolve);
  stream.end(body);
  stream.resume();
  await promise;
  session.destroy();
  const text = trailers["grpc-status-details-bin"];
  const status = fromBinary(StatusSchema, Buffer.from(text ?? "", "base64"));
  const [info] = status.details.flatMap((any) => anyUnpack(any, ErrorInfoSchema) ?? []);
  const [badRequest] = status.details.flatMap((any) => anyUnpack(any, BadRequestSchema) ?? []);
  return {
    status: Number(trailers["grpc-status"]),
    reason: info?.reason,
    outcome: info?.metadata["outcome"],
    badRequest,
  };
}
