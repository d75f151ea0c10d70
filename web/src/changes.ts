// SPDX-License-Identifier: Apache-2.0
// What a form makes of an object: a merge-patch for config.ChangeSet, and the same for people.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
export type Body = { [name: string]: Json }

export interface Change {
  path: string
  old?: string
  new?: string
}

export function isBody(value: Json | undefined): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function same(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** RFC 7396: null removes, lists are replaced whole. */
export function patchOf(old: Body, wanted: Body): Body {
  const patch: Body = {}
  for (const name of new Set([...Object.keys(old), ...Object.keys(wanted)])) {
    const before = old[name]
    const after = wanted[name]
    if (same(before, after)) continue
    if (after === undefined) patch[name] = null
    else patch[name] = isBody(before) && isBody(after) ? patchOf(before, after) : after
  }
  return patch
}

export function changesOf(old: Body, wanted: Body, prefix = ''): Change[] {
  return [...new Set([...Object.keys(old), ...Object.keys(wanted)])].flatMap((name) => {
    const before = old[name]
    const after = wanted[name]
    const path = prefix + name
    if (same(before, after)) return []
    if (isBody(before) && isBody(after)) return changesOf(before, after, `${path}.`)
    return [{ path, ...(before !== undefined && { old: JSON.stringify(before) }), ...(after !== undefined && { new: JSON.stringify(after) }) }]
  })
}
