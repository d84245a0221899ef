/** A patch that does not fit the code (any more). */
export class MisfitError extends Error {}
