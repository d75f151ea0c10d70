/* SPDX-License-Identifier: Apache-2.0 */
/* config_crowd.h - real processes for test_config_crowd.py: `config-crowd follow` is an application
 * that does nothing but know its configuration, `config-crowd change` a tool that changes it at
 * random. */
#ifndef TESTS_CHAOS_CONFIG_CROWD_H
#define TESTS_CHAOS_CONFIG_CROWD_H

/* change DATA SEED SECONDS OBJECTS: makes the objects, of several types, and changes, renames and
 * deletes them until the time is up. Prints the revision that it ends with, and what became of it:
 * "again" counts answers with a revision that another answer had. What is refused or not answered
 * is asked for again. */
int crowd_change(int argc, char **argv);

#endif
