/** The types of the options, as TypeScript: from the type that the schema takes. */
import { dirname, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SRC = `${ROOT}src${sep}`;
const SCHEMA = 'options/shape.ts';
const TYPE = 'OptionInputs';

const FLAGS =
  ts.TypeFormatFlags.NoTruncation |
  ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType |
  ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;

/**
 * @param {(option: string, field: string) => string} describeField
 * @returns {Map<string, { type: string, imports: { name: string, path: string }[] }>}
 */
export function readOptionTypes(describeField) {
  const program = makeProgram();
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(SRC + SCHEMA));
  const alias = checker.getExportsOfModule(module).find(({ name }) => name === TYPE);
  if (alias === undefined) throw new Error(`${SCHEMA} exports no type ${TYPE}`);
  const properties = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(alias));
  return new Map(
    properties.map((property) => {
      const type = checker.getTypeOfSymbol(property);
      /** @type {Map<string, { path: string, isGeneric: boolean }>} */
      const named = new Map();
      collectNames(checker, type, named);
      const imports = [...named].map(([name, { path }]) => ({ name, path }));
      return [
        property.name,
        { type: print(checker, type, named, (field) => describeField(property.name, field)), imports },
      ];
    }),
  );
}

function makeProgram() {
  const path = `${ROOT}tsconfig.build.json`;
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path));
  return ts.createProgram(fileNames, { ...options, noEmit: true });
}

/** `describe` says what a field of an object is for. */
function print(checker, type, named, describe) {
  let text = checker.typeToString(type, undefined, FLAGS).replaceAll('<ArrayBufferLike>', '');
  for (const object of objectsIn(checker, type)) {
    const plain = checker.typeToString(object, undefined, FLAGS).replaceAll('<ArrayBufferLike>', '');
    const fields = checker.getPropertiesOfType(object).map((field) => {
      const mark = field.flags & ts.SymbolFlags.Optional ? '?' : '';
      const value = print(checker, checker.getTypeOfSymbol(field), named, describe);
      return `/** ${describe(field.name)} */\nreadonly ${field.name}${mark}: ${value};\n`;
    });
    text = text.replaceAll(plain, () => `{\n${fields.join('')}}`);
  }
  // The schema does not know the type of a connection's data: the interface has it as a parameter.
  for (const [name, { isGeneric }] of named)
    if (isGeneric)
      text = text.replaceAll(new RegExp(`\\b${name}\\b(<(any|unknown|Data)>)?`, 'g'), `${name}<Data>`);
  return text;
}

/** Objects with fields that a type is printed with, but for those inside of them. */
function objectsIn(checker, type) {
  if (type.aliasSymbol && moduleOf(type.aliasSymbol)) return [];
  const isPlain = type.symbol && isAnonymous(type.symbol) && type.getCallSignatures().length === 0;
  if (isPlain && checker.getPropertiesOfType(type).length > 0) return [type];
  const inner = [
    ...(type.isUnionOrIntersection() ? type.types : []),
    ...(type.aliasTypeArguments ?? []),
    ...checker.getTypeArguments(type),
  ];
  return inner.flatMap((part) => objectsIn(checker, part));
}

/** Names of our own that a printed type consists of, with their modules. */
function collectNames(checker, type, named) {
  const symbol = type.aliasSymbol ?? type.symbol;
  const path = symbol && moduleOf(symbol);
  if (path !== undefined && !isAnonymous(symbol)) {
    const other = named.get(symbol.name)?.path ?? path;
    if (other !== path) throw new Error(`${symbol.name} is of ${path} and of ${other}`);
    named.set(symbol.name, { path, isGeneric: symbol.declarations[0].typeParameters !== undefined });
    return;
  }
  if (type.isUnionOrIntersection()) for (const part of type.types) collectNames(checker, part, named);
  for (const argument of [...checker.getTypeArguments(type), ...(type.aliasTypeArguments ?? [])])
    collectNames(checker, argument, named);
  if (symbol === undefined || !isAnonymous(symbol)) return;
  const fields = [
    ...checker.getPropertiesOfType(type),
    ...type.getCallSignatures().flatMap((signature) => signature.parameters),
  ];
  for (const field of fields) collectNames(checker, checker.getTypeOfSymbol(field), named);
  for (const signature of type.getCallSignatures()) collectNames(checker, signature.getReturnType(), named);
}

function isAnonymous(symbol) {
  return symbol.name.startsWith('__');
}

/** The module of src that declares a symbol, as a path from src. */
function moduleOf(symbol) {
  const file = symbol.declarations?.[0]?.getSourceFile().fileName;
  if (file === undefined) return undefined;
  const path = relative(SRC, file).replaceAll(sep, '/');
  return path.startsWith('..') ? undefined : path;
}
