/** The bodies of requests and responses. The OpenAPI document is generated from them. */

import { z } from "zod";

/** The schemas of the OpenAPI document, by name. */
export const SCHEMAS = z.registry<{ id: string }>();

const anyObject = () => z.record(z.string(), z.unknown());

// Responses are plain objects: later releases may add fields, and clients ignore unknown ones.
// Requests are strict: an unknown field is refused, not ignored.

export const Health = z
  .object({ status: z.literal("ok") })
  .describe("The server answers.")
  .register(SCHEMAS, { id: "Health" });

const Status = z
  .enum(["supported", "deprecated", "removed"])
  .describe("`deprecated` still works; `removed` no longer works.");
const Removal = z
  .string()
  .nullable()
  .describe("The release that removes it; null if none is planned.");

export const PluginPromise = z
  .object({
    apiVersion: z.string().describe("The version."),
    status: Status,
    removal: Removal,
  })
  .describe("A version of the plugin API.")
  .register(SCHEMAS, { id: "PluginPromise" });

export const ChannelPromise = z
  .object({
    protocol: z.string().describe("The protocol's name."),
    version: z.string().describe("The value of the header `Channel-Protocol`."),
    status: Status,
    removal: Removal,
  })
  .describe("A version of a protocol between channel adapters and the server.")
  .register(SCHEMAS, { id: "ChannelPromise" });

export const CompatContract = z
  .object({
    version: z.string().describe("The contract's version."),
    spec: z.string().describe("`sha256:` and the hash of the served OpenAPI document."),
  })
  .describe("The contract between the server and its HTTP clients.")
  .register(SCHEMAS, { id: "CompatContract" });

export const Compat = z
  .object({
    $schema: z.string().describe("The JSON Schema of this document."),
    schema: z.int().describe("The version of this format: 1."),
    package: z.string().describe("The package's name."),
    version: z.string().describe("The package's version."),
    contract: CompatContract,
    plugins: z.array(PluginPromise).describe("The versions of the plugin API."),
    channels: z.array(ChannelPromise).describe("The protocols of channel adapters."),
  })
  .describe("The interfaces that this release declares; also the package's `compat.json`.")
  .register(SCHEMAS, { id: "Compat" });

export const Info = z
  .object({
    name: z.string().describe("The package's name."),
    version: z.string().describe("The package's version."),
    commit: z.string().nullable().describe("The commit it was built from; null in a checkout."),
    graphs: z.array(z.string()).describe("The valid values of `assistant_id`, sorted."),
    compat: Compat,
  })
  .describe("The running package.")
  .register(SCHEMAS, { id: "Info" });

export const RunConfig = z
  .strictObject({
    configurable: anyObject()
      .nullable()
      .default(null)
      .describe("Values that the graph's nodes can read."),
    recursion_limit: z
      .int({ abort: true })
      .min(1)
      .max(10_000)
      .nullable()
      .default(null)
      .describe("The maximal number of steps of a run."),
    tags: z.array(z.string()).nullable().default(null).describe("Labels for tracing."),
  })
  .describe("The settings of a run.")
  .register(SCHEMAS, { id: "RunConfig" });

export const RunRequest = z
  .strictObject({
    assistant_id: z.string().min(1).describe("The name of a graph."),
    config: RunConfig.nullable().default(null),
    input: anyObject().describe("The graph's first state."),
    metadata: anyObject().nullable().default(null).describe("Data for tracing."),
  })
  .describe("A run without a thread.")
  .register(SCHEMAS, { id: "RunRequest" });

export const RunOutput = anyObject()
  .describe("The graph's last state.")
  .register(SCHEMAS, { id: "RunOutput" });

export const FieldError = z
  .object({
    loc: z
      .array(z.union([z.string(), z.int()]))
      .describe('The path, as in ["body", "input", "messages", 0].'),
    message: z.string().describe("The reason."),
  })
  .describe("One error in a request's body.")
  .register(SCHEMAS, { id: "FieldError" });

export const ErrorBody = z
  .object({
    detail: z.string().describe("What went wrong."),
    errors: z.array(FieldError).describe("The wrong fields; empty unless the status is 422."),
  })
  .describe("The body of every response that is not a success.")
  .register(SCHEMAS, { id: "Error" });

export type Compat = z.infer<typeof Compat>;
export type FieldError = z.infer<typeof FieldError>;
export type ErrorBody = z.infer<typeof ErrorBody>;
export type RunRequest = z.infer<typeof RunRequest>;
