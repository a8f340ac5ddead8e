/** What to say to somebody. */
export function greet(name: string): string {
  return `Hello, ${name}`;
}
