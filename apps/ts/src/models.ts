/** The bodies of requests and responses. The OpenAPI document is made from these. */

import { z } from "zod";

/** What the OpenAPI document defines, by name. */
export const SCHEMAS = z.registry<{ id: string }>();

const anyObject = () => z.record(z.string(), z.unknown());

// Responses are plain objects: fields may be added to them later, and clients skip them. Requests
// are strict: a field that is not supported is refused, not ignored.

export const Health = z
  .object({ status: z.literal("ok") })
  .describe("The server answers.")
  .register(SCHEMAS, { id: "Health" });

export const Info = z
  .object({
    name: z.string().describe("The package's name."),
    version: z.string().describe("The package's version."),
    commit: z.string().nullable().describe("The commit it was built from; null in a checkout."),
    graphs: z.array(z.string()).describe("What `assistant_id` may be, sorted."),
  })
  .describe("What is running.")
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
      .describe("The most steps a run may take."),
    tags: z.array(z.string()).nullable().default(null).describe("Labels for tracing."),
  })
  .describe("How a graph runs.")
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
      .describe('Where it is, as in ["body", "input", "messages", 0].'),
    message: z.string().describe("What is wrong with it."),
  })
  .describe("One thing that is wrong with a request's body.")
  .register(SCHEMAS, { id: "FieldError" });

export const ErrorBody = z
  .object({
    detail: z.string().describe("What went wrong."),
    errors: z.array(FieldError).describe("The fields that did not fit; empty but for 422."),
  })
  .describe("The body of every response that is not a success.")
  .register(SCHEMAS, { id: "Error" });

export type FieldError = z.infer<typeof FieldError>;
export type ErrorBody = z.infer<typeof ErrorBody>;
export type RunRequest = z.infer<typeof RunRequest>;
