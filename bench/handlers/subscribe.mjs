/** Subscribes every connection to one topic, and tells it so. */
export default {
  open: (connection) => {
    connection.subscribe('topic');
    return 'ready';
  },
};
