export declare const VERSION: string;
export declare const COMMIT: string;
export declare class Plugin {
  constructor(name: string, apiVersion: string);
  readonly name: string;
  readonly apiVersion: string;
  greeting(): string;
}
