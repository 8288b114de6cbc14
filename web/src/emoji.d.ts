declare module "virtual:emoji" {
  /** By group, in the order of the standard: the emoji, what it is called, and what else it is found by. */
  const groups: [emoji: string, label: string, tags: string][][];
  export default groups;
}
