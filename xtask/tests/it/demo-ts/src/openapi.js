// Prints the spec.
import { spec } from "./spec.js";

console.log(JSON.stringify(spec(), null, 2));
