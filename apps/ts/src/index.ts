/**
 * An HTTP server that runs LangGraph graphs, with the LangGraph Platform's API.
 *
 * The exports of this module are the package's public interface; everything else may change.
 *
 * @packageDocumentation
 */

export { type App, type AppOptions, createApp } from "./app.js";
export type { Graph, GraphConfig } from "./graphs.js";
export type { Plugin } from "./plugins.js";
export { type ServeOptions, serve } from "./server.js";
export { version } from "./version.js";
