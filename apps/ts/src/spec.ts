/** The OpenAPI document, generated from the table of operations and the models. */

import { z } from "zod";
import { HIGHEST, type Query } from "./call.js";
import { ErrorBody, SCHEMAS } from "./models.js";
import { CHANNEL_HEADER, CHANNELS, kept } from "./promises.js";
import { ROUTES, type Route } from "./routes.js";
import { stable } from "./stable.js";
import { version } from "./version.js";

const DESCRIPTION = `Runs LangGraph graphs, with the LangGraph Platform's API.

A path that is not in this document is answered with 404, and a method that a path does not \
support with 405, both with the \`Error\` body. Every path with GET also supports HEAD. OPTIONS \
returns the methods of a path in the \`Allow\` header.`;

const REASONS: Readonly<Record<number, string>> = {
  400: "The body is not JSON, or the channel protocol is not supported; see `detail`.",
  401: "The token is missing or wrong.",
  404: "There is no such assistant, graph, thread, run or version; see `detail`.",
  409: "It exists already, or it is in use; see `detail`.",
  405: "The path does not support this method; the Allow header lists its methods.",
  408: "The run took too long.",
  413: "The body is too large.",
  422: "The request does not match the schema; `errors` lists the wrong fields.",
  429: "There are too many active runs.",
  500: "The server failed.",
  503: "The server is starting or stopping, or there are too many open streams.",
};
// The objects of their answers have only some fields if the request has `select`.
const SELECTED = ["searchAssistants", "searchThreads", "listRuns"];
const EVERYWHERE = [401, 405, 500, 503];

type Json = Record<string, unknown>;

/** Returns the document as JSON. */
export function document(): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Fractal Agents Runtime",
      version,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    paths: paths(),
    components: { schemas: schemas() },
  };
}

/** Returns the text of the document, which is the same for every call. */
export function render(): string {
  return stable(document());
}

function paths(): Json {
  const operations: Record<string, Json> = {};
  for (const route of ROUTES) {
    const method = route.method.toLowerCase();
    operations[route.path] = { ...operations[route.path], [method]: operation(route) };
  }
  return operations;
}

function operation(route: Route): Json {
  const responses: Record<string, Json> = {};
  for (const status of [...EVERYWHERE, ...route.errors]) {
    responses[status] = { description: REASONS[status], content: body(ErrorBody) };
  }
  if (route.path === "/health" || route.path === "/ok") delete responses["401"];
  responses["405"] = {
    ...responses["405"],
    headers: { Allow: { required: true, schema: { type: "string" } } },
  };
  responses[String(route.status ?? 200)] = success(route);
  if (route.accepted) responses["202"] = { description: "Accepted." };
  const parameters = [
    ...[...route.path.matchAll(/{(\w+)}/g)].map(([, name = ""]) => part(name, route.method)),
    ...(route.query ?? []).map(parameter),
    ...(route.channel ? [channel()] : []),
  ];
  return {
    operationId: route.operation,
    summary: route.summary,
    responses,
    ...(parameters.length > 0 && { parameters }),
    ...(route.request && { requestBody: { required: true, content: body(route.request) } }),
  };
}

function success(route: Route): Json {
  if (route.status === 204) return { description: "Done." };
  if (route.events) {
    return { description: "Events.", content: { "text/event-stream": {} } };
  }
  if (route.text) {
    return { description: "Done.", content: { "text/plain": { schema: { type: "string" } } } };
  }
  return { description: "Done.", content: content(route) };
}

function part(name: string, method: string): Json {
  // GET also knows an assistant by the name of its graph.
  const uuid = /^(thread|run)_id$/.test(name) || (name === "assistant_id" && method !== "GET");
  const schema = { type: "string", ...(uuid && { format: "uuid" }) };
  return { name, in: "path", required: true, schema };
}

function parameter(one: Query): Json {
  const text = {
    type: "string",
    ...(one.values && { enum: one.values }),
    ...(one.required && { minLength: 1 }),
  };
  const { least = 0, most = HIGHEST } = one;
  const number = { type: "integer", minimum: least, maximum: most };
  const kinds = {
    boolean: { type: "boolean" },
    integer: number,
    depth: { anyOf: [{ type: "boolean" }, number] },
    string: text,
    list: { type: "array", items: text },
  };
  return {
    name: one.name,
    in: "query",
    required: one.required ?? false,
    description: one.description,
    schema: kinds[one.kind],
  };
}

function channel(): Json {
  return {
    name: CHANNEL_HEADER,
    in: "header",
    required: false,
    description: "The version of the channel protocol, sent by channel adapters.",
    schema: { type: "string", enum: kept(CHANNELS) },
  };
}

function content(route: Route): Json {
  const schema = schemaOf(route.response);
  const some = { type: "array", items: { type: "object" } };
  const selected = SELECTED.includes(route.operation);
  return { "application/json": { schema: selected ? { anyOf: [schema, some] } : schema } };
}

function body(model: z.ZodType | undefined): Json {
  return { "application/json": { schema: schemaOf(model) } };
}

function schemaOf(model: z.ZodType | undefined): Json {
  return model ? { $ref: reference(SCHEMAS.get(model)?.id ?? "") } : { type: "object" };
}

function reference(name: string): string {
  return `#/components/schemas/${name}`;
}

function schemas(): Json {
  const generated = z.toJSONSchema(SCHEMAS, {
    // "input": fields with a default are not required, and responses may have additional fields.
    io: "input",
    uri: reference,
    override: ({ jsonSchema }) => simplify(jsonSchema),
  });
  return Object.fromEntries(
    Object.entries(generated.schemas).map(([name, { $schema, $id, ...schema }]) => [name, schema]),
  );
}

// Removes keywords that zod adds and that have no effect.
function simplify(schema: z.core.JSONSchema.BaseSchema): void {
  delete schema.propertyNames;
  const { additionalProperties: more } = schema;
  if (typeof more === "object" && Object.keys(more).length === 0) {
    schema.additionalProperties = true;
  }
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
