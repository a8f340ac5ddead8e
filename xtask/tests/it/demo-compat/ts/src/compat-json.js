// Prints what this package promises to plugins and channel adapters.
import { compat } from "./compat.js";

console.log(JSON.stringify(compat(), null, 2));
