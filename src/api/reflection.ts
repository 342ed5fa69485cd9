// Server reflection from the generated descriptors, for the port of grpc-js (as what its package wants) and for Connect (as a service).
import {
  create,
  createRegistry,
  type DescFile,
  type DescService,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import {
  type ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** A file and everything that it imports, each once, itself first. */
function withImports(file: DescFile, found = new Set<DescFile>()): Set<DescFile> {
  if (found.has(file)) return found;
  found.add(file);
  for (const dependency of file.dependencies) withImports(dependency, found);
  return found;
}

function encode(file: DescFile): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, file.proto);
}

/** What `@grpc/reflection` reads, one entry for each service. */
export function describePackage(services: readonly DescService[]): Record<string, { fileDescriptorProtos: Buffer[] }> {
  const entries = services.map((service) => {
    const files = [...withImports(service.file)].map((file) => Buffer.from(encode(file)));
    return [service.typeName, { fileDescriptorProtos: files }] as const;
  });
  return Object.fromEntries(entries);
}

const NOT_FOUND: Answer = { case: "errorResponse", value: { errorCode: Code.NotFound, errorMessage: "not found" } };

export function createReflection(services: readonly DescService[]): ServiceImpl<typeof ServerReflection> {
  const files = new Set(services.flatMap((service) => [...withImports(service.file)]));
  const byName = new Map([...files].map((file) => [file.proto.name, file]));
  const registry = createRegistry(...files);

  function answerWith(file: DescFile | undefined): Answer {
    if (!file) return NOT_FOUND;
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto: [...withImports(file)].map(encode) } };
  }

  /** Fields and methods are found through what they belong to. */
  function findSymbol(symbol: string): DescFile | undefined {
    return (registry.get(symbol) ?? registry.get(symbol.slice(0, symbol.lastIndexOf("."))))?.file;
  }

  function answer({ messageRequest: asked }: ServerReflectionRequest): Answer {
    switch (asked.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: services.map(({ typeName: name }) => ({ name })) } };
      case "fileByFilename":
        return answerWith(byName.get(asked.value));
      case "fileContainingSymbol":
        return answerWith(findSymbol(asked.value));
      case "fileContainingExtension": {
        const extendee = registry.getMessage(asked.value.containingType);
        return answerWith(extendee && registry.getExtensionFor(extendee, asked.value.extensionNumber)?.file);
      }
      case "allExtensionNumbersOfType":
      case undefined:
        return { case: "errorResponse", value: { errorCode: Code.Unimplemented, errorMessage: "not implemented" } };
    }
  }

  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield create(ServerReflectionResponseSchema, {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request),
        });
      }
    },
  };
}
