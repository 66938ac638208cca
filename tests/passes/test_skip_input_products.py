"""X = A W is not formed where the products of A and W say as much."""

from __future__ import annotations

from smgen.passes.skip_input_products import skip_input_products
from tests.passes.schedules import after, assert_left_alone, text


def test_a_sum_of_squares_is_taken_of_the_gram_matrix() -> None:
    """Σ_n |δ_x|²/2 = Σ_n Σ_j δ ∘ δ (W Wᵀ)/2, in 4 units instead of 100."""
    assert after(skip_input_products(1000))("""
        delta (N, 4), W (4, 100)
        delta_x (N, 100) = product A B of delta, W
        half_square (N, 100) = delta_x**2/2
        total () = sum of half_square
        K () = total/N
    """) == text("""
        gram_W (4, 4) = product A Bᵀ of W, W
        gram_W_delta (N, 4) = product A B of delta, gram_W
        total_terms (N, 4) = delta*gram_W_delta/2
        total () = sum of total_terms
        K () = total/N
    """)


def test_a_sum_is_a_sum_of_sums() -> None:
    """Σ_n Σ_d X = Σ_j (Σ_n A)_j (Σ_d W)_j."""
    assert after(skip_input_products(1000))("""
        delta_prime (N, 4), W (4, 100)
        delta_prime_x (N, 100) = product A B of delta_prime, W
        total () = sum of delta_prime_x
        L () = -total/N
    """) == text("""
        delta_prime_total (4) = sum of delta_prime over axis 0
        W_rows (4) = sum of W over axis 1
        total_terms (4) = W_rows*delta_prime_total
        total () = sum of total_terms
        L () = -total/N
    """)


def test_a_linear_function_of_it_goes_through_a_product() -> None:
    """(a + b X) Vᵀ = a Σ_d V + b A (W Vᵀ)."""
    assert after(skip_input_products(1000))("""
        delta_prime (N, 4), W (4, 100)
        delta_prime_x (N, 100) = product A B of delta_prime, W
        nu (N, 100) = 2*lam*delta_prime_x - 1
        mu (N, 4) = product A Bᵀ of nu, W
        y (N, 4) = mu**2
    """) == text("""
        gram_W (4, 4) = product A Bᵀ of W, W
        gram_W_delta_prime (N, 4) = product A B of delta_prime, gram_W
        W_rows (4) = sum of W over axis 1
        mu (N, 4) = -W_rows + 2*gram_W_delta_prime*lam
        y (N, 4) = mu**2
    """)


def test_the_gradient_of_a_weight_is_a_small_sum_over_the_batch() -> None:
    """Σ_n L X = (Lᵀ A) W."""
    assert after(skip_input_products(1000))("""
        delta (N, 4), W (4, 100), gamma (N, 4)
        delta_x (N, 100) = product A B of delta, W
        outer (4, 100) = product Aᵀ B of gamma, delta_x
        gradient (4, 100) = outer/N
    """) == text("""
        gamma_by_delta (4, 4) = product Aᵀ B of gamma, delta
        gamma_by_delta_W (4, 100) = product A B of gamma_by_delta, W
        outer (4, 100) = view of gamma_by_delta_W
        gradient (4, 100) = outer/N
    """)


def test_what_is_returned_is_formed() -> None:
    assert_left_alone(skip_input_products(1000))("""
        delta (N, 4), W (4, 100)
        delta_x (N, 100) = product A B of delta, W
        half_square (N, 100) = delta_x**2/2
        total () = sum of half_square
        K () = total/N
        returns K, delta_x
    """)


def test_a_use_that_no_rule_covers_needs_the_array() -> None:
    assert_left_alone(skip_input_products(1000))("""
        delta (N, 4), W (4, 100)
        delta_x (N, 100) = product A B of delta, W
        half_square (N, 100) = delta_x**2/2
        total () = sum of half_square
        robust (N, 100) = log(delta_x**2 + 1)
        total_robust () = sum of robust
        K () = total/N + total_robust/N
    """)


def test_where_the_gram_matrix_costs_more_the_array_is_formed() -> None:
    """A hundred units above three inputs."""
    assert_left_alone(skip_input_products(1000))("""
        delta (N, 100), W (100, 3)
        delta_x (N, 3) = product A B of delta, W
        half_square (N, 3) = delta_x**2/2
        total () = sum of half_square
        K () = total/N
    """)


def test_two_of_them_may_share_their_weights() -> None:
    """Each computes W Wᵀ: `reuse_operations` keeps one."""
    assert after(skip_input_products(1000))("""
        a (N, 4), b (N, 4), W (4, 100)
        x (N, 100) = product A B of a, W
        y (N, 100) = product A B of b, W
        x_squared (N, 100) = x**2
        y_squared (N, 100) = lam*y**2
        total_x () = sum of x_squared
        total_y () = sum of y_squared
        K () = (total_x + total_y)/N
    """) == text("""
        gram_W (4, 4) = product A Bᵀ of W, W
        gram_W_a (N, 4) = product A B of a, gram_W
        total_x_terms (N, 4) = a*gram_W_a
        total_x () = sum of total_x_terms
        gram_W_ (4, 4) = product A Bᵀ of W, W
        gram_W_b (N, 4) = product A B of b, gram_W_
        total_y_terms (N, 4) = b*gram_W_b*lam
        total_y () = sum of total_y_terms
        K () = (total_x + total_y)/N
    """)
