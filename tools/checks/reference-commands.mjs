/**
 * What docs/reference/cli.md says of the command line, from the declarations of the commands.
 *
 * @type {Record<string, (commands: any) => string>}
 */
export const commandTables = {
  commands: ({ commandGroups }) => commandGroups.map(renderGroup).join('\n\n'),
  globalOptions: ({ globalOptions }) => renderTable(['option', 'means'], globalOptions.map(optionRow)),
  exitCodes: ({ exitCodes }) => renderTable(['exit code', 'means'], exitCodes),
}

function renderGroup({ title, commands }) {
  const sections = commands.flatMap((one) =>
    'family' in one ? one.commands.map((member) => renderCommand(member, `${one.family} `)) : [renderCommand(one, '')],
  )
  return [`## ${title.replace(/:$/, '')}`, ...sections].join('\n\n')
}

function renderCommand({ usage, description, options = [], required = [], examples, note }, prefix) {
  const all = [...required.map(([flags, text]) => [flags, `${text}; needed`]), ...options]
  return [
    `### cordon ${prefix}${usage.split(' ')[0]}`,
    `\`cordon ${prefix}${usage}\`: ${description}.`,
    ...(note === undefined ? [] : [note.replaceAll('\n', ' ')]),
    ...(all.length === 0 ? [] : [renderTable(['option', 'means'], all.map(optionRow))]),
    ['```sh', ...examples, '```'].join('\n'),
  ].join('\n\n')
}

function optionRow([flags, text]) {
  return [`\`${flags}\``, text]
}

function renderTable(head, rows) {
  const lines = rows.map((cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`)
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...lines].join('\n')
}
