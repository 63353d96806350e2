/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "corpus.h"

struct node {
  struct node *next, *previous;
  uint32_t value;
};

static void insert_sorted(struct node* head, uint32_t value) {
  struct node *node = (struct node*)malloc(sizeof(*node)), *at = head->next;
  if (!node) return;
  while (at != head && at->value < value) at = at->next;
  node->value = value;
  node->next = at;
  node->previous = at->previous;
  at->previous->next = node;
  at->previous = node;
}

CORPUS {
  struct node head = {&head, &head, 0};
  for (size_t i = 0; i < size; ++i) insert_sorted(&head, input[i] * 3u % 251u);
  uint64_t hash = 1;
  for (struct node* node = head.next; node != &head; node = node->next) {
    if (node->value % 4 == 0) {
      struct node* gone = node;
      node = node->previous;
      gone->next->previous = node;
      node->next = gone->next;
      free(gone);
    }
  }
  for (struct node* node = head.previous; node != &head;) {
    struct node* previous = node->previous;
    hash = fold(hash, node->value);
    free(node);
    node = previous;
  }
  return hash;
}
