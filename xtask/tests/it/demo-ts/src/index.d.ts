export declare const VERSION: string;
export declare const COMMIT: string;
