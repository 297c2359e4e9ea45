/** A task of Piscina that returns what it is given. */
export default (payload) => payload;
