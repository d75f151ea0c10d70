// SPDX-License-Identifier: Apache-2.0
// The guides' names for the numbers of records (spec outbound 2.2 to 2.5).

export const RECORD_TYPES = ['No Record Type', 'Unknown', 'General', 'Campaign Rescheduled', 'Personal Rescheduled', 'Personal CallBack', 'Campaign CallBack', 'No Call']

export const RECORD_STATUSES = ['No Record Status', 'Ready', 'Retrieved', 'Updated', 'Stale', 'Cancelled', 'Agent Error', 'Chain Updated', 'Missed CallBack', 'Chain Ready']

export const CALL_RESULTS = [
  'Ok', 'Transferred', 'Conferenced', 'General Error', 'System Error', 'Remote Release', 'Busy', 'No Answer', 'SIT Detected',
  'Answering Machine Detected', 'All Trunks Busy', 'SIT Invalid Number', 'SIT Vacant Code', 'SIT Intercept', 'SIT Unknown Call State',
  'SIT No Circuit', 'SIT Reorder', 'Fax Detected', 'Queue Full', 'Cleared', 'Overflowed', 'Abandoned', 'Redirected', 'Forwarded', 'Consult',
  'Picked Up', 'Dropped', 'Dropped on No Answer', 'Unknown Call Result', 'Covered', 'Converse-On', 'Bridged', 'Silence', 'Answer', 'NU Tone',
  'No Dial Tone', 'No Progress', 'No Ring Back Tone', 'No Established Detected', 'Pager Detected', 'Wrong Party', 'Dial Error',
  'Call Drop Error', 'Switch Error', 'No Port Available', 'Transfer Error', 'Stale', 'Agent CallBack Error', 'Group CallBack Error',
  'Deafened', 'Held', 'Do Not Call', 'Cancel Record', 'Wrong Number',
]

// What an agent says after a call, the usual ones first.
export const AGENT_RESULTS = [33, 7, 6, 9, 53, 40, 17, 21, 5, 3]

export const DIAL_MODES = ['No Dial', 'Predictive', 'Progressive', 'Preview', 'Progressive with seizing', 'Predictive with seizing', 'Power', 'Power with seizing', 'Push Preview', 'Progressive GVP', 'Predictive GVP', 'Power GVP']

export const PREVIEW = 3

export function nameOf(names: string[], value: number | undefined): string {
  if (value === undefined) return ''
  return names[value] ?? String(value)
}

export function timeOf(utcMs: number | undefined): string {
  return utcMs ? new Date(utcMs).toLocaleString() : ''
}

export function timeOfDay(seconds: number | undefined): string {
  if (seconds === undefined) return ''
  const minutes = Math.floor(seconds / 60)
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
}
