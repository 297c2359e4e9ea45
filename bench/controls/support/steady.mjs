/** Publishes numbered messages to topics in turn, at a rate, as long as it is told to. */
export class Steady {
  #published = 0;
  #timer;

  /** @param {(topic: number, message: Buffer) => void} publish */
  constructor(publish) {
    this.publish = publish;
  }

  /** @param {number} rate of all topics together, per second */
  start(rate, topics, bytes) {
    const [start, before] = [performance.now(), this.#published];
    this.#timer = setInterval(() => {
      const due = before + ((performance.now() - start) * rate) / 1000;
      for (; this.#published < due; this.#published++) {
        const message = Buffer.alloc(bytes);
        message.writeUInt32LE(Math.floor(this.#published / topics));
        this.publish(this.#published % topics, message);
      }
    }, 1);
  }

  /** @returns how many it has published in its life */
  stop() {
    clearInterval(this.#timer);
    return this.#published;
  }
}

/** The part that publishes is told what to do by the control's process. */
export function obey(steady) {
  process.on('message', ({ rate, topics, bytes }) => {
    if (rate > 0) steady.start(rate, topics, bytes);
    else process.send({ published: steady.stop() });
  });
  process.send({});
}

/** Commands of a control whose part publishes. */
export function steadyCommands(part) {
  return {
    start: (rate, topics, bytes) =>
      void part.send({ rate: Number(rate), topics: Number(topics), bytes: Number(bytes) }),
    stop: () =>
      new Promise((resolve) => {
        part.once('message', resolve);
        part.send({ rate: 0 });
      }),
  };
}
