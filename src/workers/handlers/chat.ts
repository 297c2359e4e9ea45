/**
 * Built-in handler `chat`: rooms (`?room=`, default lobby) of people (`?name=`). A room lives in the memory of one
 * worker, which its default affinity sees to; what is said goes to the room's topic. Protocol: docs/handlers.md.
 */
import { type Connection, defineHandler } from '../../api/handler.js';

type Person = { readonly id: string; readonly name: string };
type Line = Person & { readonly type: 'message'; readonly text: string; readonly at: string };
/** Its connections, and what was said last, oldest first. */
type Room = {
  readonly name: string;
  readonly members: Map<Connection<Room>, Person>;
  readonly history: Line[];
  isChanged: boolean;
};
const HISTORY_LINES = 50;
const MAX_LINE = 4000;
const MAX_NAME = 40;
const MAX_ROOM = 60;

const rooms = new Map<string, Room>();

export default defineHandler<Room>({
  open(connection) {
    const query = new URLSearchParams(connection.request.query);
    const name = query.get('room') || 'lobby';
    if (name.length > MAX_ROOM) return connection.close(1008, `room is over ${MAX_ROOM} characters`);
    const room = rooms.get(name) ?? { name, members: new Map(), history: [], isChanged: false };
    const person = { id: connection.id, name: (query.get('name') || connection.id).slice(0, MAX_NAME) };
    rooms.set(name, room);
    room.members.set(connection, person);
    connection.state = room;
    // The subscription outlives the worker, and so does who was there: nobody joined.
    if (connection.restarted) return announceSoon(room);
    tell(connection, { type: 'join', ...person });
    connection.subscribe(topicOf(room));
    const { history } = room;
    return JSON.stringify({ type: 'welcome', room: name, you: person, people: peopleOf(room), history });
  },
  message(connection, message) {
    const room = connection.state;
    const text = message.isBinary ? '' : message.text();
    if (text === '' || text.length > MAX_LINE) {
      const why = `a line is a text message of 1 to ${MAX_LINE} characters`;
      return JSON.stringify({ type: 'error', text: why });
    }
    const person = room.members.get(connection)!;
    const line: Line = { type: 'message', ...person, text, at: new Date().toISOString() };
    if (room.history.push(line) > HISTORY_LINES) room.history.shift();
    return tell(connection, line);
  },
  close(connection) {
    const room = connection.state;
    const person = room?.members.get(connection);
    if (!room?.members.delete(connection)) return;
    if (room.members.size > 0) tell(connection, { type: 'leave', ...person });
    else rooms.delete(room.name);
  },
});

const topicOf = (room: Room): string => `chat/${room.name}`;
const peopleOf = (room: Room): Person[] => [...room.members.values()];

function tell(connection: Connection<Room>, event: object): void {
  connection.publish(topicOf(connection.state), JSON.stringify(event), { toSelf: true });
}

/** Who is left after a crash, once for all who come back together. */
function announceSoon(room: Room): void {
  if (room.isChanged) return;
  room.isChanged = true;
  setImmediate(() => {
    room.isChanged = false;
    const [anyone] = room.members.keys();
    if (anyone !== undefined) tell(anyone, { type: 'people', people: peopleOf(room) });
  });
}
