// SPDX-License-Identifier: Apache-2.0
// Who may do what to one object (framework 12.2), beside its form.

import { useEffect, useState } from 'preact/hooks'
import type { Desktop } from '../desktop'
import type { AclEntry, ConfigObject } from '../messages'
import { Action, ErrorText, Input, Notice, Table, useAsked, wordsOf } from '../parts'

const BITS: [string, string][] = [
  ['R', 'Read'],
  ['C', 'Create'],
  ['H', 'Change'],
  ['X', 'Execute'],
  ['D', 'Delete'],
  ['E', 'Read permissions'],
  ['P', 'Change permissions'],
]

export function Permissions({ desktop, object, onChange }: { desktop: Desktop; object: ConfigObject; onChange: () => void }) {
  const target = { type: object.type, key: String(object.dbid), ...(object.tenant && { tenant: object.tenant }) }
  const { data, error, again } = useAsked(() => desktop.ask('config.ReadAcl', target), `${object.type} ${object.dbid} ${object.rev}`)
  const [own, setOwn] = useState<AclEntry[]>([])
  const [account, setAccount] = useState('')
  const [said, setSaid] = useState('')
  const [fault, setFault] = useState('')
  useEffect(() => setOwn(data?.entries?.filter((entry) => !entry.inherited) ?? []), [data])
  const inherited = data?.entries?.filter((entry) => entry.inherited)
  const set = (at: number, entry: AclEntry) => setOwn(own.map((one, index) => (index === at ? entry : one)))
  const apply = async () => {
    try {
      const done = await desktop.ask('config.ChangeAcl', { ...target, entries: own, ...(data && { rev: data.rev }) })
      setSaid(`Revision ${done.rev}.`)
      setFault('')
      again()
      onChange()
    } catch (error) {
      setFault(wordsOf(error))
    }
  }
  const hasBit = (entry: AclEntry, bit: string) => (entry.mask ?? '').includes(bit)
  const bitColumns = BITS.map(([bit, title]) => ({
    title,
    cell: (entry: AclEntry) => (
      <input
        type="checkbox"
        aria-label={`${title}: ${entry.account}`}
        checked={hasBit(entry, bit)}
        onChange={() =>
          set(own.indexOf(entry), {
            ...entry,
            mask: BITS.map(([one]) => one)
              .filter((one) => (one === bit) !== hasBit(entry, one))
              .join(''),
          })
        }
      />
    ),
  }))
  return (
    <section aria-label="Permissions">
      <h2>Permissions</h2>
      <Notice text={said} />
      <ErrorText text={fault || error} />
      <Table
        caption="Entries of its own"
        rows={own}
        empty="None: what the containers grant counts."
        columns={[
          { title: 'Account', cell: (entry) => entry.account },
          ...bitColumns,
          {
            title: 'Propagate',
            cell: (entry) => (
              <input
                type="checkbox"
                aria-label={`Propagate: ${entry.account}`}
                checked={entry.propagate !== false}
                onChange={() => set(own.indexOf(entry), { ...entry, propagate: entry.propagate === false })}
              />
            ),
          },
          { title: '', cell: (entry) => <Action name="Remove" describe={`Remove ${entry.account}`} kind="danger" run={async () => setOwn(own.filter((one) => one !== entry))} /> },
        ]}
      />
      <div class="row">
        <Input label="Account, person:ID or group:NAME" value={account} onValue={setAccount} />
        <Action
          name="Add account"
          isDisabled={!account || own.some((entry) => entry.account === account)}
          run={async () => {
            setOwn([...own, { account, mask: 'R', propagate: true }])
            setAccount('')
          }}
        />
        <Action name="Apply permissions" kind="main" isDisabled={!data} run={apply} />
      </div>
      <Table
        caption="Inherited entries"
        rows={inherited}
        empty="None."
        columns={[
          { title: 'Account', cell: (entry) => entry.account },
          { title: 'May', cell: (entry) => entry.mask },
          { title: 'From', cell: (entry) => entry.from },
        ]}
      />
      <EffectiveMask desktop={desktop} target={target} />
    </section>
  )
}

function EffectiveMask({ desktop, target }: { desktop: Desktop; target: { type: string; key: string; tenant?: string } }) {
  const [account, setAccount] = useState('')
  const [words, setWords] = useState<string[]>([])
  const [fault, setFault] = useState('')
  const ask = async () => {
    try {
      const found = await desktop.ask('config.ReadEffective', { ...target, ...(account && { account }) })
      setWords([`${account || 'You'}: ${found.mask || 'nothing'}`, ...(found.because ?? [])])
      setFault('')
    } catch (error) {
      setWords([])
      setFault(wordsOf(error))
    }
  }
  return (
    <>
      <div class="row">
        <Input label="What may this account do? Empty: you" value={account} onValue={setAccount} />
        <Action name="Ask" run={ask} />
      </div>
      <ErrorText text={fault} />
      <ul role="status">
        {words.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
    </>
  )
}
