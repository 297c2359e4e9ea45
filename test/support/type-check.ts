/** The compiler, over texts that are in no file. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = `${ROOT}test/docs/`;

/** What it says of them under the project's strict rules, as if they lay in test/docs. @param texts by file name */
export function typeComplaints(
  texts: Readonly<Record<string, string>>,
  overrides: ts.CompilerOptions = {},
): string[] {
  const files = new Map(Object.entries(texts).map(([name, text]) => [FOLDER + name, text]));
  const path = `${ROOT}tsconfig.json`;
  const { options: ours } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(path, ts.sys.readFile).config,
    ts.sys,
    ROOT,
  );
  const options = { ...ours, ...overrides };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, target, ...rest) => {
    const text = files.get(name);
    return text === undefined
      ? getSourceFile(name, target, ...rest)
      : ts.createSourceFile(name, text, target);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? '' : file.text.slice(0, start).split('\n').length;
    return `${file?.fileName.slice(FOLDER.length)}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}
