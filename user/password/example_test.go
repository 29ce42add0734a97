package password_test

import (
	"context"
	"fmt"

	"github.com/usherauth/usher/user/password"
)

func ExampleHasher() {
	var h password.Hasher
	ctx := password.WithFairness(context.Background(), "203.0.113.0/24")
	hash, err := h.Hash(ctx, "correct horse battery staple")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(hash[:31])
	right, _ := h.Verify(ctx, hash, "correct horse battery staple")
	wrong, _ := h.Verify(ctx, hash, "Correct horse battery staple")
	fmt.Println(right.OK, right.Rehash, wrong.OK)
	// Output:
	// $argon2id$v=19$m=19456,t=2,p=1$
	// true false false
}

func ExampleChecker_Check() {
	var c password.Checker
	err := c.Check(password.Policy{RequireNumber: true}, "Lovelace", []string{"lovelace"})
	for _, v := range password.Violations(err) {
		fmt.Println(v.Code)
	}
	// Output:
	// form_password_no_number
	// form_password_matches_identifier
	// form_password_pwned
}
