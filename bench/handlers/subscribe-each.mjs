/** Subscribes so many connections (`?count=`) to a topic of its own each, `topic0` onwards, and tells it so. One worker counts them. */
const count = Number(new URL(import.meta.url).searchParams.get('count'));
let next = 0;

export default {
  open: (connection) => {
    if (next === count) return undefined;
    connection.subscribe(`topic${next++}`);
    return 'ready';
  },
};
