/** Thrown when this machine lacks what a test needs; the message says what. */
export class Skip extends Error {}
