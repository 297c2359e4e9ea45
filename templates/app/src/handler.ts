import { BadMessageError, defineHandler } from 'shardhub/worker';

/** What is kept of a connection, in its worker. */
interface Session {
  messages: number;
}

/** What the hub's option `handlerOptions` says. */
interface Options {
  readonly greeting?: string;
}

let greeting = 'Hello';

export default defineHandler<Session, unknown, Options | undefined>({
  start(worker) {
    greeting = worker.options?.greeting ?? greeting;
  },

  open(connection) {
    connection.state = { messages: 0 };
    connection.subscribe('everybody');
  },

  message(connection, message) {
    const name = message.text().trim();
    if (name === '') throw new BadMessageError('a name is missing');
    connection.state.messages++;
    connection.log.info({ messages: connection.state.messages }, 'a message came');
    connection.publish('everybody', `${name} is here`);
    return `${greeting}, ${name}!`;
  },
});
