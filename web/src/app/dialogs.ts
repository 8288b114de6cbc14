/** What can stand above everything. */
export type DialogName = "find" | "findHere" | "group" | "starred" | "settings";
