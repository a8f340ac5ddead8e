/** The OpenAPI document, made from the table of operations and the models; the same everywhere. */

import { z } from "zod";
import { ErrorBody, SCHEMAS } from "./models.js";
import { CHANNEL_HEADER, CHANNELS, kept } from "./promises.js";
import { ROUTES, type Route } from "./routes.js";
import { stable } from "./stable.js";
import { version } from "./version.js";

const DESCRIPTION = `Runs LangGraph graphs, with the LangGraph Platform's API.

A path that is not in this document answers 404, and a method that a path does not have 405; both \
with the \`Error\` body. HEAD is answered wherever GET is, and OPTIONS names a path's methods.`;

const REASONS: Readonly<Record<number, string>> = {
  400: "The body is not JSON, or the channel protocol is not supported; `detail` says which.",
  404: "There is no assistant of this name.",
  405: "The path does not have this method; Allow names those that it has.",
  413: "The body is too large.",
  422: "The body does not have the documented form; `errors` names the fields.",
  500: "The server failed.",
  503: "The server is stopping.",
};
const EVERYWHERE = [405, 500, 503];

type Json = Record<string, unknown>;

/** The document as JSON. */
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

/** The document's text: what is committed, printed and served. */
export function render(): string {
  return stable(document());
}

function paths(): Json {
  const made: Record<string, Json> = {};
  for (const route of ROUTES) {
    made[route.path] = { ...made[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return made;
}

function operation(route: Route): Json {
  const responses: Record<string, Json> = {};
  for (const status of [...EVERYWHERE, ...route.errors]) {
    responses[status] = { description: REASONS[status], content: body(ErrorBody) };
  }
  responses["405"] = {
    ...responses["405"],
    headers: { Allow: { required: true, schema: { type: "string" } } },
  };
  responses["200"] = { description: "Done.", content: body(route.response) };
  return {
    operationId: route.operation,
    summary: route.summary,
    responses,
    ...(route.channel && { parameters: [channel()] }),
    ...(route.request && { requestBody: { required: true, content: body(route.request) } }),
  };
}

function channel(): Json {
  return {
    name: CHANNEL_HEADER,
    in: "header",
    required: false,
    description: "The channel protocol that the sender speaks, if it is a channel adapter.",
    schema: { type: "string", enum: kept(CHANNELS) },
  };
}

function body(model: z.ZodType | undefined): Json {
  const schema = model ? { $ref: reference(SCHEMAS.get(model)?.id ?? "") } : { type: "object" };
  return { "application/json": { schema } };
}

function reference(name: string): string {
  return `#/components/schemas/${name}`;
}

function schemas(): Json {
  const made = z.toJSONSchema(SCHEMAS, {
    // What may be sent: defaults are not required, and responses may get more fields.
    io: "input",
    uri: reference,
    override: ({ jsonSchema }) => simplify(jsonSchema),
  });
  return Object.fromEntries(
    Object.entries(made.schemas).map(([name, { $schema, $id, ...schema }]) => [name, schema]),
  );
}

// JSON Schema as people write it: zod also says what is true anyway.
function simplify(schema: z.core.JSONSchema.BaseSchema): void {
  delete schema.propertyNames;
  const { additionalProperties: more } = schema;
  if (typeof more === "object" && Object.keys(more).length === 0) {
    schema.additionalProperties = true;
  }
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
