/** Subscribes every connection to one topic; echoes. */
export default {
  payload: 'borrowed',
  open: (connection) => void connection.subscribe('topic'),
  message: (_connection, message) => message,
};
