import { expect } from 'chai'
import { operationOf, queryText } from '../dist/observe/query-text.js'

describe('the text of a statement in a span', () => {
  const secret = 'hunter2'
  const rows: readonly (readonly [statement: string, shown: string])[] = [
    ['select * from users where id = $1', 'select * from users where id = $1'],
    [`select 1, -2.5e3, 'hunter2', col2`, 'select ?, -?, ?, col2'],
    [`select 'it''s hunter2', x`, 'select ?, x'],
    [`select E'it\\'s hunter2', 'hunter2'`, 'select ?, ?'],
    [`select e'\\\\', 'hunter2'`, 'select ?, ?'],
    [`select '\\', 'hunter2'`, 'select ?, ?'],
    [`select $$it's hunter2$$, $a$ $$ hunter2 $a$, 'hunter2'`, 'select ?, ?, ?'],
    [`select "it's", 'hunter2' from "a ""b"`, `select "it's", ? from "a ""b"`],
    [`-- it's\nselect 'hunter2'`, 'select ?'],
    [`select /* it's */ 'hunter2'`, 'select ?'],
    [`/* /* */ it's */ select 'hunter2'`, '?'],
    [`select N'hunter2', B'01', U&'hunter2'`, 'select N?, B?, U&?'],
    [`select 'hunter2`, 'select ?'],
    [`select $$hunter2`, 'select ?'],
    [`select ${'x'.repeat(990)}, 'hunter2'`, `select ${'x'.repeat(990)}, ?`],
  ]
  for (const [statement, shown] of rows) {
    it(JSON.stringify(statement.slice(0, 60)), () => {
      const text = queryText(statement)
      expect(text).to.not.contain(secret)
      expect(text.slice(0, 997)).to.equal(shown.slice(0, 997))
    })
  }

  it('names what it does by words of SQL only', () => {
    expect([' select 1', 'WITH a as (select 1) table a', 'hunter2', '-- x\nselect 1', ' '.repeat(16_000_000)].map(operationOf)).to.deep.equal([
      'SELECT',
      'WITH',
      'QUERY',
      'QUERY',
      'QUERY',
    ])
  })
})
