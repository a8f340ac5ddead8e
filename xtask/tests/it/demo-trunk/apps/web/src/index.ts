/** Returns a greeting. */
export function greet(name: string): string {
  return `Hello, ${name}`;
}
