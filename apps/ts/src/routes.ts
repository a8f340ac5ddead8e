/** The table of operations. The server and the OpenAPI document are both based on it. */

import type { z } from "zod";
import * as assistants from "./assistants.js";
import type { Call, Query } from "./call.js";
import * as handlers from "./handlers.js";
import * as items from "./items.js";
import * as models from "./models.js";
import type { Runtime } from "./runtime.js";

/** One operation: its method and path, its handler, and the models of request and response. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With names in braces for the parts that vary. */
  readonly path: string;
  readonly operation: string;
  readonly summary: string;
  /** Returns a value to answer as JSON, or a response. */
  readonly handler: (runtime: Runtime, call: Call<never>) => unknown;
  /** Absent: any JSON object, or nothing if the status is 204. */
  readonly response?: z.ZodType;
  readonly request?: z.ZodType;
  /** True if channel adapters use it: the header Channel-Protocol is then checked. */
  readonly channel?: boolean;
  /** The error statuses in addition to those of every operation. */
  readonly errors: readonly number[];
  /** The status of success; 200 by default. */
  readonly status?: number;
  readonly query?: readonly Query[];
}

export const ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/health",
    operation: "getHealth",
    summary: "Check that the server answers",
    handler: handlers.health,
    response: models.Health,
    errors: [],
  },
  {
    method: "GET",
    path: "/ok",
    operation: "getOk",
    summary: "Check that the server answers",
    handler: handlers.ok,
    response: models.Ok,
    errors: [],
  },
  {
    method: "GET",
    path: "/info",
    operation: "getInfo",
    summary: "Describe the running package",
    handler: handlers.info,
    response: models.Info,
    errors: [],
  },
  {
    method: "GET",
    path: "/openapi.json",
    operation: "getOpenapi",
    summary: "Get this document",
    handler: handlers.openapi,
    errors: [],
  },
  {
    method: "POST",
    path: "/runs/wait",
    operation: "waitForRun",
    summary: "Run a graph without a thread and wait for its last state",
    handler: handlers.waitForRun,
    response: models.RunOutput,
    request: models.RunRequest,
    channel: true,
    errors: [400, 404, 413, 422],
  },
  {
    method: "POST",
    path: "/assistants",
    operation: "createAssistant",
    summary: "Create an assistant",
    handler: assistants.create,
    response: models.Assistant,
    request: models.AssistantCreate,
    errors: [400, 413, 422, 404, 409],
  },
  {
    method: "POST",
    path: "/assistants/search",
    operation: "searchAssistants",
    summary: "Search assistants",
    handler: assistants.search,
    response: models.Assistants,
    request: models.AssistantSearch,
    errors: [400, 413, 422],
  },
  {
    method: "POST",
    path: "/assistants/count",
    operation: "countAssistants",
    summary: "Count assistants",
    handler: assistants.count,
    response: models.Count,
    request: models.AssistantCount,
    errors: [400, 413, 422],
  },
  {
    method: "GET",
    path: "/assistants/{assistant_id}",
    operation: "getAssistant",
    summary: "Get an assistant by its id, or by the name of its graph",
    handler: assistants.get,
    response: models.Assistant,
    errors: [404, 422],
  },
  {
    method: "PATCH",
    path: "/assistants/{assistant_id}",
    operation: "updateAssistant",
    summary: "Make a new version of an assistant",
    handler: assistants.update,
    response: models.Assistant,
    request: models.AssistantPatch,
    errors: [400, 413, 422, 404],
  },
  {
    method: "DELETE",
    path: "/assistants/{assistant_id}",
    operation: "deleteAssistant",
    summary: "Delete an assistant",
    handler: assistants.remove,
    errors: [404, 409, 422],
    status: 204,
    query: [
      {
        name: "delete_threads",
        kind: "boolean",
        description: "Also delete the threads of its runs.",
      },
    ],
  },
  {
    method: "POST",
    path: "/assistants/{assistant_id}/versions",
    operation: "listAssistantVersions",
    summary: "List the versions of an assistant",
    handler: assistants.versions,
    response: models.AssistantVersionList,
    request: models.AssistantVersions,
    errors: [400, 413, 422, 404],
  },
  {
    method: "POST",
    path: "/assistants/{assistant_id}/latest",
    operation: "setLatestAssistantVersion",
    summary: "Choose the version that an assistant has",
    handler: assistants.setLatest,
    response: models.Assistant,
    request: models.AssistantLatest,
    errors: [400, 413, 422, 404],
  },
  {
    method: "GET",
    path: "/assistants/{assistant_id}/graph",
    operation: "getAssistantGraph",
    summary: "Get the nodes and edges of an assistant's graph",
    handler: assistants.drawing,
    response: models.Drawing,
    errors: [404, 422],
    query: [
      {
        name: "xray",
        kind: "depth",
        description: "How deep to show subgraphs: false, true or a number.",
      },
    ],
  },
  {
    method: "GET",
    path: "/assistants/{assistant_id}/schemas",
    operation: "getAssistantSchemas",
    summary: "Get the JSON Schemas of an assistant's graph",
    handler: assistants.schemas,
    response: models.Schemas,
    errors: [404, 422],
  },
  {
    method: "GET",
    path: "/assistants/{assistant_id}/subgraphs",
    operation: "getAssistantSubgraphs",
    summary: "Get the schemas of the subgraphs of an assistant's graph",
    handler: assistants.subgraphs,
    response: models.Subgraphs,
    errors: [404, 422],
    query: [{ name: "recurse", kind: "boolean", description: "Also those of subgraphs." }],
  },
  {
    method: "GET",
    path: "/assistants/{assistant_id}/subgraphs/{namespace}",
    operation: "getAssistantSubgraph",
    summary: "Get the schemas of one subgraph of an assistant's graph",
    handler: assistants.subgraphs,
    response: models.Subgraphs,
    errors: [404, 422],
    query: [{ name: "recurse", kind: "boolean", description: "Also those of subgraphs." }],
  },
  {
    method: "PUT",
    path: "/store/items",
    operation: "putItem",
    summary: "Store a value",
    handler: items.put,
    request: models.ItemPut,
    errors: [400, 413, 422],
    status: 204,
  },
  {
    method: "GET",
    path: "/store/items",
    operation: "getItem",
    summary: "Get a value",
    handler: items.get,
    response: models.MaybeItem,
    errors: [422],
    query: [
      {
        name: "namespace",
        kind: "string",
        description: "The labels, joined by dots.",
        required: true,
      },
      { name: "key", kind: "string", description: "The key.", required: true },
      { name: "refresh_ttl", kind: "boolean", description: "Count as a use; default: true." },
    ],
  },
  {
    method: "DELETE",
    path: "/store/items",
    operation: "deleteItem",
    summary: "Delete a value",
    handler: items.remove,
    request: models.ItemDelete,
    errors: [400, 413, 422],
    status: 204,
  },
  {
    method: "POST",
    path: "/store/items/search",
    operation: "searchItems",
    summary: "Search values",
    handler: items.search,
    response: models.FoundItems,
    request: models.ItemSearch,
    errors: [400, 413, 422],
  },
  {
    method: "POST",
    path: "/store/namespaces",
    operation: "listNamespaces",
    summary: "List namespaces",
    handler: items.namespaces,
    response: models.Namespaces,
    request: models.NamespaceSearch,
    errors: [400, 413, 422],
  },
  {
    method: "POST",
    path: "/runs/crons/search",
    operation: "searchCrons",
    summary: "Search crons: there are none",
    handler: handlers.searchCrons,
    response: models.Crons,
    request: models.CronSearch,
    errors: [400, 413, 422],
  },
];

/** Returns the value of the Allow header (RFC 9110, 10.2.1) for a path with these operations. */
export function allowed(routes: readonly Route[]): string {
  const methods = new Set<string>(routes.map((route) => route.method)).add("OPTIONS");
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].sort().join(", ");
}
