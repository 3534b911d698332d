/* What measuring of performance shares. */
#ifndef RCONTAINER_ASSESS_LOAD_H
#define RCONTAINER_ASSESS_LOAD_H

/* The processor with this index among those that we may use; the last one if there are not so many. */
int processor(int index);
/* Stays on a processor; any if it is negative. */
void stay_on(int cpu);

/* service NAME: one of the services, measured. */
int service(int count, char **words);

/* What is measured in one process. */
int exercise(void);
int functions(int count, char **words);

#endif
